/** Attacks by which a single address used to stop everybody, as they were found. */
import { test } from "node:test";
import { forEachServer } from "../kit/server.ts";
import { attacker, isServed, settle, type Town } from "./others.ts";
import { hold, letGo } from "./sockets.ts";

const tokenForm = ({ place }: Town) =>
  `/${place.UserPoolId}/oauth2/token HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded\r\n`;
const unsignedCall = () =>
  "/ HTTP/1.1\r\ncontent-type: application/x-amz-json-1.1\r\n" +
  "x-amz-target: AWSCognitoIdentityProviderService.CreateUserPool\r\n";
const signedCall = () => `${unsignedCall()}authorization: x\r\n`;

let settled: { readonly endpoint: string; readonly town: Promise<Town> } | undefined;

forEachServer("one address", (open) => {
  const inTown = async () => {
    const server = await open();
    if (settled?.endpoint !== server.endpoint) settled = { endpoint: server.endpoint, town: settle(server) };
    return settled.town;
  };

  for (const [what, budget, announced, headersOf] of [
    ["forms", 16 * 2 ** 20, 64 * 1024, tokenForm],
    ["calls with an Authorization header", 64 * 2 ** 20, 3 * 2 ** 20, signedCall],
    ["calls without", 64 * 2 ** 20, 128 * 1024, unsignedCall],
  ] as const)
    test(`${what} of ${announced} bytes that stop short, until ${budget} are held`, async () => {
      const town = await inTown();
      const { endpoint } = town.server;
      const short = (length: number) =>
        `POST ${headersOf(town)}host: ${new URL(endpoint).host}\r\ncontent-length: ${length}\r\n\r\n` +
        "a".repeat(length - 1);
      const held = await hold(endpoint, attacker, Math.floor(budget / (announced - 1)), short(announced));
      held.push(...(await hold(endpoint, attacker, 1, short(budget % (announced - 1)))));
      try {
        for (let turn = 0; turn < 3; turn++) await isServed(town);
      } finally {
        letGo(held);
      }
    });
});
