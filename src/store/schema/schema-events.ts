/** Tables of what has happened (schema.ts says the rules). */

/** What administrators did, and what users did to their credentials. Nothing changes a row; see store/audit.ts. */
export interface AuditEventsTable {
  /** A UUID of version 7: begins with the time. */
  event_id: string;
  at: number;
  pool_id: string | null;
  actor: string;
  address: string | null;
  user_agent: string | null;
  operation: string;
  target: string | null;
  /** `ok`, or the type of the error. */
  result: string;
  request_id: string | null;
  /** JSON of names, never of values. */
  details: string | null;
}

/** What happened to a user's sign-ins and passwords (AdminListUserAuthEvents). */
export interface AuthEventsTable {
  /** Gone with the user: a foreign key that cascades. */
  user_number: number;
  /** A UUID of version 7: begins with the time. */
  event_id: string;
  at: number;
  type: "SignIn" | "SignUp" | "ForgotPassword" | "PasswordChange" | "ResendCode";
  response: "Pass" | "Fail" | "InProgress";
  steps: number;
  /** JSON list. */
  challenges: string;
  address: string | null;
  device_name: string | null;
  feedback: "Valid" | "Invalid" | null;
  feedback_provider: string | null;
  feedback_at: number | null;
  /** How many attempts of its kind it stands for; null: it tells of one. */
  times: number | null;
}
