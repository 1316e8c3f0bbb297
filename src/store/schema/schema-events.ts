/** Tables of events (schema.ts has the rules). */

/** Actions of administrators, and users' changes of their credentials. No row is ever changed; see store/audit.ts. */
export interface AuditEventsTable {
  /** Empty if it is about no pool. */
  pool_id: string;
  /** A UUID of version 7, so it begins with the time. */
  event_id: string;
  at: number;
  actor: string;
  address: string | null;
  user_agent: string | null;
  operation: string;
  target: string | null;
  /** `ok`, or the type of the error. */
  result: string;
  request_id: string | null;
  /** JSON with names only, never values. */
  details: string | null;
}

/** Users' authentication events (AdminListUserAuthEvents). */
export interface AuthEventsTable {
  pool_id: string;
  /** Deleted with the user, by a cascading foreign key. */
  user_number: number;
  /** A UUID of version 7, so it begins with the time. */
  event_id: string;
  at: number;
  type: "SignIn" | "SignUp" | "ForgotPassword" | "PasswordChange" | "ResendCode";
  response: "Pass" | "Fail" | "InProgress";
  steps: number;
  /** A JSON list. */
  challenges: string;
  address: string | null;
  device_name: string | null;
  feedback: "Valid" | "Invalid" | null;
  feedback_provider: string | null;
  feedback_at: number | null;
  /** The number of attempts that it stands for; null means one. */
  times: number | null;
}
