/** What a server checks and keeps, asked of it as it runs: by requests that it ought to refuse, its files, and its end. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Authorization, refreshed } from "../oauth-peers.ts";
import { Connection, document } from "./connection.ts";
import type { BenchServer } from "./server.ts";
import { type Stage, signedCall } from "./stage.ts";
import { password, userName } from "./users.ts";

/** An answer; whether it means that the server does less work. */
interface Told {
  readonly text: string;
  readonly isLess: boolean;
}

export interface Finding {
  readonly question: string;
  /** Scenarios whose work it concerns. */
  readonly about: readonly string[];
  readonly ours: Told;
  readonly peer: Told;
}

interface Again {
  readonly ours: () => Promise<BenchServer>;
  readonly peer: () => Promise<BenchServer>;
}

interface Probe {
  readonly question: string;
  readonly about: readonly string[];
  /** Whether the server passes: it checks, or keeps. */
  readonly asks: (stage: Stage, which: 0 | 1) => Promise<boolean>;
  readonly yes: string;
  readonly no: string;
}

async function signIn({ server, clientId }: Stage): Promise<{ AccessToken: string; RefreshToken: string }> {
  const connection = new Connection(server.port);
  const answer = await connection.call("InitiateAuth", {
    AuthFlow: "USER_PASSWORD_AUTH",
    ClientId: clientId,
    AuthParameters: { USERNAME: userName(0), PASSWORD: password },
  });
  connection.close();
  return document(answer)["AuthenticationResult"] as { AccessToken: string; RefreshToken: string };
}

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** The token with another expiry, and a signature that nobody made. */
function forged(token: string): string {
  const [head, claims] = token.split(".") as [string, string];
  const read = JSON.parse(Buffer.from(claims, "base64url").toString());
  return `${head}.${encoded({ ...read, exp: read.exp + 86_400 })}.${Buffer.alloc(256, 1).toString("base64url")}`;
}

async function refusesForgery(stage: Stage): Promise<boolean> {
  const { AccessToken } = await signIn(stage);
  const connection = new Connection(stage.server.port);
  document(await connection.call("GetUser", { AccessToken }));
  const { status } = await connection.call("GetUser", { AccessToken: forged(AccessToken) });
  connection.close();
  return status !== 200;
}

async function refusesUnsigned({ server, poolId }: Stage): Promise<boolean> {
  const connection = new Connection(server.port);
  const input = { UserPoolId: poolId, Username: userName(0) };
  document(await signedCall(connection, server.port, "AdminGetUser", input));
  const { status } = await connection.call("AdminGetUser", input);
  connection.close();
  return status !== 200;
}

/** Whether no file of a folder has the text. */
function isFree(folder: string, text: string): boolean {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  if (files.length === 0) throw new Error(`${folder} is empty.`);
  return files.every((file) => !readFileSync(join(file.parentPath, file.name)).includes(text));
}

/**
 * Asks both servers, which are killed by the last question.
 * @param options.folders where each keeps its data
 */
export async function probeApi(
  ours: Stage,
  peer: Stage,
  { folders, ...again }: Again & { readonly folders: readonly [string, string] },
): Promise<Finding[]> {
  const restart = [again.ours, again.peer] as const;
  const survives = async (stage: Stage, which: 0 | 1) => {
    const { RefreshToken } = await signIn(stage);
    await stage.server.close("SIGKILL");
    const server = await restart[which]();
    const connection = new Connection(server.port);
    const answer = await connection.call("InitiateAuth", {
      AuthFlow: "REFRESH_TOKEN_AUTH",
      ClientId: stage.clientId,
      AuthParameters: { REFRESH_TOKEN: RefreshToken },
    });
    connection.close();
    await server.close();
    return answer.status === 200;
  };
  const probes: readonly Probe[] = [
    {
      question: "GetUser with an access token whose signature is forged",
      about: ["get-user"],
      asks: refusesForgery,
      ...{ yes: "refused", no: "accepts a forged access token" },
    },
    {
      question: "AdminGetUser without a signature",
      about: ["admin-get-user"],
      asks: refusesUnsigned,
      ...{ yes: "refused", no: "accepts an administrator's call without a signature" },
    },
    {
      question: "the password in its files",
      about: ["password"],
      asks: async (_stage, which) => isFree(folders[which], password),
      ...{ yes: "not found", no: "stores passwords as they are, without a hash" },
    },
    {
      question: "a sign-in, kill -9, a refresh",
      about: ["password"],
      asks: survives,
      ...{ yes: "works", no: "a sign-in is lost in a crash" },
    },
  ];
  const findings: Finding[] = [];
  for (const { question, about, asks, yes, no } of probes) {
    const told = (passes: boolean): Told => ({ text: passes ? yes : no, isLess: !passes });
    findings.push({
      ...{ question, about },
      ours: told(await asks(ours, 0)),
      peer: told(await asks(peer, 1)),
    });
  }
  return findings;
}

/** What authorization servers keep when they are killed. */
export async function probeOidc(ours: Authorization, peer: Authorization, again: Again): Promise<Finding[]> {
  const survives = async (place: Authorization, restart: () => Promise<BenchServer>): Promise<Told> => {
    const { refreshToken } = await place.signedIn(0);
    await place.server.close("SIGKILL");
    const server = await restart();
    const connection = new Connection(server.port);
    const { status } = await refreshed(connection, place, refreshToken);
    connection.close();
    await server.close();
    return status === 200
      ? { text: "works", isLess: false }
      : { text: "keeps everything in memory only", isLess: true };
  };
  return [
    {
      question: "a code grant, kill -9, a refresh",
      about: ["Code grant, authorize and token", "Refresh, token endpoint", "userInfo"],
      ours: await survives(ours, again.ours),
      peer: await survives(peer, again.peer),
    },
  ];
}
