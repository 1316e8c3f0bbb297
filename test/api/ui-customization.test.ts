/** The classic pages' CSS and logo through the AWS SDK for JavaScript v3. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  DeleteUserPoolClientCommand,
  GetUICustomizationCommand,
  SetUICustomizationCommand,
  type SetUICustomizationCommandInput,
} from "@aws-sdk/client-cognito-identity-provider";
import { makeClient, makePool, refused } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";

const CSS = ".label-customizable { color: red }";
const png = Buffer.from("\x89PNG\r\n\x1a\n0123456789", "latin1");
const jpeg = Buffer.from("\xff\xd8\xff\xe00123456789", "latin1");

const set = async (
  { client }: TestServer,
  UserPoolId: string,
  given: Omit<SetUICustomizationCommandInput, "UserPoolId">,
) => (await client.send(new SetUICustomizationCommand({ UserPoolId, ...given }))).UICustomization;
const get = async ({ client }: TestServer, UserPoolId: string, ClientId?: string) =>
  (await client.send(new GetUICustomizationCommand({ UserPoolId, ClientId }))).UICustomization;

/** The image that a page of the client would show. */
async function shownLogo(server: TestServer, poolId: string, clientId: string) {
  const url = (await get(server, poolId, clientId))?.ImageUrl;
  if (url === undefined) return undefined;
  const response = await fetch(url);
  assert.equal(response.status, 200, url);
  return { type: response.headers.get("content-type"), bytes: Buffer.from(await response.arrayBuffer()) };
}

forOneServer("sqlite", "UI customization", (open) => {
  test("a client has its own style, else that of ALL", async () => {
    const server = await open();
    server.clock.freeze();
    const { UserPoolId, ClientId } = await makePool(server);
    const other = await makeClient(server, UserPoolId);
    assert.deepEqual(await get(server, UserPoolId), {});
    assert.deepEqual(await get(server, UserPoolId, ClientId), {});
    assert.equal(await shownLogo(server, UserPoolId, ClientId), undefined);

    const ofAll = await set(server, UserPoolId, { CSS, ImageFile: png });
    const { CSSVersion, CreationDate, LastModifiedDate, ImageUrl, ...rest } = ofAll ?? {};
    assert.ok(ImageUrl?.startsWith(`${server.endpoint}/${UserPoolId}/assets/brand/ALL/`), ImageUrl);
    assert.deepEqual(rest, { UserPoolId, ClientId: "ALL", CSS });
    const now = new Date(server.clock.now);
    assert.deepEqual([CreationDate, LastModifiedDate], [now, now]);
    assert.equal(CSSVersion, now.toISOString().replace(/\D/g, "").slice(0, 14));
    for (const client of [undefined, "ALL", ClientId])
      assert.deepEqual(await get(server, UserPoolId, client), ofAll);
    assert.deepEqual(await shownLogo(server, UserPoolId, ClientId), { type: "image/png", bytes: png });

    server.clock.advance(1000);
    const css = ".banner-customizable { color: blue }";
    const own = await set(server, UserPoolId, { ClientId, CSS: css, ImageFile: jpeg });
    assert.equal(own?.ClientId, ClientId);
    assert.deepEqual(await get(server, UserPoolId, ClientId), own);
    assert.deepEqual(await get(server, UserPoolId, other.ClientId), ofAll);
    assert.deepEqual(await shownLogo(server, UserPoolId, ClientId), { type: "image/jpeg", bytes: jpeg });
    assert.deepEqual(await shownLogo(server, UserPoolId, other.ClientId), { type: "image/png", bytes: png });

    server.clock.advance(1000);
    const without = await set(server, UserPoolId, { ClientId, CSS });
    assert.deepEqual(without?.CreationDate, own?.CreationDate);
    assert.notDeepEqual(without?.LastModifiedDate, own?.LastModifiedDate);
    assert.notEqual(without?.CSSVersion, own?.CSSVersion);
    assert.equal(await shownLogo(server, UserPoolId, ClientId), undefined);
    const empty = await set(server, UserPoolId, { ClientId });
    assert.equal(empty?.CSS, undefined);
    assert.deepEqual(await get(server, UserPoolId, ClientId), empty);
  });

  test("what does not fit is refused and changes nothing", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(server);
    const before = await set(server, UserPoolId, { ClientId, CSS, ImageFile: png });
    const rows: [Omit<SetUICustomizationCommandInput, "UserPoolId">, RegExp][] = [
      [{ CSS: "@import url(x)" }, /must not contain "@"/],
      [{ CSS: "p { color: red }" }, /selector "p" is not allowed/],
      [{ CSS: "a".repeat(131_073) }, /'cSS' failed to satisfy constraint/],
      [{ ImageFile: Buffer.from("GIF89a") }, /must be a PNG or JPEG image/],
      [{ ImageFile: Buffer.from("<svg/>") }, /must be a PNG or JPEG image/],
      [{ ImageFile: Buffer.concat([png, Buffer.alloc(102_400)]) }, /more than 102400 bytes/],
      [
        { ImageFile: Buffer.concat([png, Buffer.alloc(140_000)]) },
        /'imageFile' failed to satisfy constraint/,
      ],
    ];
    for (const [given, message] of rows)
      await assert.rejects(
        set(server, UserPoolId, { ClientId, ...given }),
        refused("InvalidParameterException", message),
      );
    assert.deepEqual(await get(server, UserPoolId, ClientId), before);
    const largest = Buffer.concat([png, Buffer.alloc(102_400 - png.length)]);
    await set(server, UserPoolId, { ClientId, ImageFile: largest });
    assert.deepEqual((await shownLogo(server, UserPoolId, ClientId))?.bytes, largest);
  });

  test("pools and clients that do not exist are told", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(server);
    const other = await makePool(server);
    await set(server, UserPoolId, { ClientId, CSS });
    const noPool = refused("ResourceNotFoundException", "User pool us-east-1_Nowhere does not exist.");
    await assert.rejects(set(server, "us-east-1_Nowhere", { CSS }), noPool);
    await assert.rejects(get(server, "us-east-1_Nowhere"), noPool);
    const noClient = refused("ResourceNotFoundException", `User pool client ${ClientId} does not exist.`);
    await assert.rejects(set(server, other.UserPoolId, { ClientId, CSS }), noClient);
    await assert.rejects(get(server, other.UserPoolId, ClientId), noClient);
    await server.client.send(new DeleteUserPoolClientCommand({ UserPoolId, ClientId }));
    await assert.rejects(get(server, UserPoolId, ClientId), noClient);
    const left = await server.app.db.kysely
      .selectFrom("ui_customizations")
      .select("client_id")
      .where("client_id", "=", ClientId)
      .execute();
    assert.deepEqual(left, []);
  });
});
