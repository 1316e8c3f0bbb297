/** Browsers remembered as devices: when the pages skip the second factor, and when they ask for it again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminDisableUserCommand,
  AdminForgetDeviceCommand,
  AdminGetDeviceCommand,
  AdminListDevicesCommand,
  AdminUpdateDeviceStatusCommand,
  AdminUserGlobalSignOutCommand,
  type DeviceConfigurationType,
  ForgetDeviceCommand,
  UpdateDeviceStatusCommand,
  UpdateUserPoolCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { giveSoftwareToken, totp, turnMfa } from "../kit/factors.ts";
import { makeUser, password, signIn } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import { type App, codeIn, makeApp, newVisitor, queryOf, redeem, type Shown } from "./visitor.ts";

const asked = "Open your authenticator app – Notes";
const always = { ChallengeRequiredOnNewDevice: true, DeviceOnlyRememberedOnUserPrompt: false };
const onPrompt = { ChallengeRequiredOnNewDevice: true, DeviceOnlyRememberedOnUserPrompt: true };

forOneServer("sqlite", "hosted pages: devices", (open) => {
  /** If tom has an authenticator app, it is asked for. */
  async function setUp(DeviceConfiguration: DeviceConfigurationType = always) {
    const server = await open();
    const app = await makeApp(
      server,
      { DeviceConfiguration },
      { ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH"] },
    );
    await turnMfa(server, app, "OPTIONAL");
    const tom = await makeTom(server, app, "tom");
    return { server, app, visitor: newVisitor(server, app), tom };
  }

  interface Tom {
    readonly name: string;
    readonly secret: string;
    readonly AccessToken: string;
  }

  async function makeTom(server: TestServer, app: App, name: string): Promise<Tom> {
    await makeUser(server, app.UserPoolId, name);
    const { AccessToken } = await signIn(server, app.ClientId, name);
    const secret = await giveSoftwareToken(server, AccessToken);
    return { name, secret, AccessToken };
  }

  type World = Awaited<ReturnType<typeof setUp>>;

  const cookieOf = ({ app }: World) => `poolhouse-devices-${app.UserPoolId}`;

  /** Enters the password; the browser session was forgotten before, its devices were not. */
  async function begin({ app, visitor, tom }: World, name = tom.name, secret = password): Promise<Shown> {
    visitor.cookies.delete(`poolhouse-${app.UserPoolId}`);
    const page = await visitor.get(`/login?${queryOf(app)}`);
    return visitor.submit(page, "/login", { username: name, password: secret });
  }

  /** Enters the code of the app, which is asked for. */
  async function finish(world: World, fields: Record<string, string> = {}, tom = world.tom): Promise<Shown> {
    const { server, visitor } = world;
    const page = await begin(world, tom.name);
    assert.equal(page.title, asked, `${page.status} ${page.text}`);
    server.clock.advance(60_000);
    const code = totp(tom.secret, server.clock.now);
    const done = await visitor.submit(page, "/challenge", { code, ...fields });
    codeIn(done);
    return done;
  }

  async function devicesOf({ server, app, tom }: World) {
    const named = { UserPoolId: app.UserPoolId, Username: tom.name };
    return (await server.client.send(new AdminListDevicesCommand(named))).Devices ?? [];
  }

  const statusOf = (device: Awaited<ReturnType<typeof devicesOf>>[number] | undefined) =>
    device?.DeviceAttributes?.find(({ Name }) => Name === "dev:device_remembered_status")?.Value;

  async function assertKnown(world: World): Promise<void> {
    codeIn(await begin(world));
  }

  async function assertAsked(world: World, name?: string): Promise<void> {
    assert.equal((await begin(world, name)).title, asked);
  }

  test("a device stored before its two factors were recorded is asked for both once more", async () => {
    const world = await setUp();
    await begin(world);
    await finish(world);
    await assertKnown(world);
    const { kysely } = world.server.app.db;
    const [device] = await devicesOf(world);
    const rows = kysely.updateTable("devices").set({ two_factors: null });
    await rows.where("device_key", "=", device!.DeviceKey!).execute();
    await assertAsked(world);
    await finish(world);
    await assertKnown(world);
    assert.equal((await devicesOf(world)).length, 1);
  });

  test("where no one is asked every device is remembered, and needs no second factor the next time", async () => {
    const world = await setUp();
    const { server, app, visitor, tom } = world;
    assert.doesNotMatch((await begin(world)).text, /name="remember"/);
    const done = await finish(world);
    const cookie = done.response.headers.getSetCookie().find((one) => one.startsWith(cookieOf(world)));
    assert.match(
      cookie ?? "",
      /=us-east-1_[\w-]{36}~[\w-]{54}; Max-Age=31536000; Path=\/; HttpOnly; SameSite=Lax$/,
    );
    const [device, ...others] = await devicesOf(world);
    assert.deepEqual(others, []);
    assert.equal(statusOf(device), "remembered");
    const second = await begin(world);
    assert.ok((await redeem(server, app, codeIn(second)))["id_token"]);
    assert.equal((await devicesOf(world)).length, 1);
    // It was recorded as seen.
    const DeviceKey = device!.DeviceKey!;
    const named = { UserPoolId: app.UserPoolId, Username: tom.name, DeviceKey };
    const seen = (await server.client.send(new AdminGetDeviceCommand(named))).Device;
    assert.ok(seen!.DeviceLastAuthenticatedDate! > device!.DeviceLastAuthenticatedDate!);
    // The browser is signed in by it, as long as the device is remembered.
    const authorize = () => visitor.get(`/oauth2/authorize?${queryOf(app)}`);
    assert.match((await authorize()).location, /[?&]code=/);
    await server.client.send(new AdminForgetDeviceCommand(named));
    assert.match((await authorize()).location, /\/login\?/);
    // A wrong password is wrong here, too.
    assert.match((await begin(world, tom.name, "Wrong-Password-1")).text, /id="password-error"/);
  });

  test("where users are asked, those are remembered who said so", async () => {
    const world = await setUp(onPrompt);
    assert.match(
      (await begin(world)).text,
      /<input type="checkbox" id="remember" name="remember" value="1">/,
    );
    await finish(world);
    assert.deepEqual(await devicesOf(world), []);
    assert.ok(!world.visitor.cookies.has(cookieOf(world)));
    const wrong = await world.visitor.submit(await begin(world), "/challenge", { code: "1", remember: "1" });
    assert.match(wrong.text, /name="remember" value="1" checked>/);
    await finish(world, { remember: "1" });
    assert.equal(statusOf((await devicesOf(world))[0]), "remembered");
    await assertKnown(world);
  });

  test("a device that is forgotten, or not remembered any more, is asked again", async () => {
    for (const by of ["user", "admin"] as const) {
      const world = await setUp();
      const { server, app, tom } = world;
      const { AccessToken } = tom;
      await finish(world);
      const [device] = await devicesOf(world);
      const DeviceKey = device!.DeviceKey!;
      const named = { UserPoolId: app.UserPoolId, Username: tom.name, DeviceKey };
      const set = (DeviceRememberedStatus: "remembered" | "not_remembered") =>
        by === "user"
          ? server.client.send(
              new UpdateDeviceStatusCommand({ AccessToken, DeviceKey, DeviceRememberedStatus }),
            )
          : server.client.send(new AdminUpdateDeviceStatusCommand({ ...named, DeviceRememberedStatus }));
      await set("not_remembered");
      await assertAsked(world);
      // With its code it remains the device that it was.
      await finish(world);
      assert.deepEqual((await devicesOf(world)).map(statusOf), ["not_remembered"]);
      await assertAsked(world);
      await set("remembered");
      await assertKnown(world);
      if (by === "user") await server.client.send(new ForgetDeviceCommand({ AccessToken, DeviceKey }));
      else await server.client.send(new AdminForgetDeviceCommand(named));
      await assertAsked(world);
      // It becomes a new one.
      await finish(world);
      assert.notEqual((await devicesOf(world))[0]?.DeviceKey, DeviceKey);
      await assertKnown(world);
    }
  });

  test("who says so again at the page is remembered again", async () => {
    const world = await setUp(onPrompt);
    const { server, app, tom } = world;
    await finish(world, { remember: "1" });
    const [device] = await devicesOf(world);
    await server.client.send(
      new AdminUpdateDeviceStatusCommand({
        UserPoolId: app.UserPoolId,
        Username: tom.name,
        DeviceKey: device!.DeviceKey!,
        DeviceRememberedStatus: "not_remembered",
      }),
    );
    await finish(world);
    await finish(world, { remember: "1" });
    assert.deepEqual((await devicesOf(world)).map(statusOf), ["remembered"]);
    await assertKnown(world);
  });

  test("forgotten while its owner is between two pages", async () => {
    const world = await setUp();
    const { server, app, visitor, tom } = world;
    await finish(world);
    const [device] = await devicesOf(world);
    const named = { UserPoolId: app.UserPoolId, Username: tom.name, DeviceKey: device!.DeviceKey! };
    await server.client.send(
      new AdminUpdateDeviceStatusCommand({ ...named, DeviceRememberedStatus: "not_remembered" }),
    );
    const page = await begin(world);
    await server.client.send(new AdminForgetDeviceCommand(named));
    server.clock.advance(60_000);
    codeIn(await visitor.submit(page, "/challenge", { code: totp(tom.secret, server.clock.now) }));
    const [now, ...others] = await devicesOf(world);
    assert.deepEqual(others, []);
    assert.notEqual(now?.DeviceKey, device!.DeviceKey);
  });

  test("a device is its user's, with its secret, in its pool", async () => {
    const world = await setUp();
    const { server, app, visitor } = world;
    await finish(world);
    const name = cookieOf(world);
    const good = visitor.cookies.get(name)!;
    const [key = "", secret = ""] = good.split("~");
    const other = await makeTom(server, app, "max");
    const strangers = await setUp();
    await finish(strangers);
    const theirs = strangers.visitor.cookies.get(cookieOf(strangers))!;
    const wrong = [
      key,
      `${key}~`,
      `${key}~${secret.slice(1)}`,
      `${key}~${Buffer.from(secret).reverse().toString()}`,
      `${key}~${theirs.split("~")[1]}`,
      `${theirs.split("~")[0]}~${secret}`,
      theirs,
      `${key}%00~${secret}`,
      "~",
      "~.~.~",
      `x.x.x.x.${good}`,
    ];
    for (const value of wrong) {
      visitor.cookies.set(name, value);
      await assertAsked(world);
    }
    visitor.cookies.set(name, `${theirs}.x.${good}`);
    await assertKnown(world);
    // max has his own device in the same browser.
    visitor.cookies.set(name, good);
    await assertAsked(world, "max");
    await finish(world, {}, other);
    assert.equal(visitor.cookies.get(name)?.split(".").length, 2);
    codeIn(await begin(world, "max"));
    await assertKnown(world);
    const forged = visitor.cookies.get(name)!;
    visitor.cookies.set(name, forged.replaceAll(/~[^.]+/g, `~${secret}`));
    await assertKnown(world);
    await assertAsked(world, "max");
  });

  test("a browser is remembered of four users", async () => {
    const world = await setUp();
    const { server, app, visitor } = world;
    await finish(world);
    for (const name of ["u1", "u2", "u3", "u4"]) await finish(world, {}, await makeTom(server, app, name));
    assert.equal(visitor.cookies.get(cookieOf(world))?.split(".").length, 4);
    await assertAsked(world);
    codeIn(await begin(world, "u1"));
  });

  test("disabled, a user is refused; signed out everywhere, the device stays, as by the API", async () => {
    const world = await setUp();
    const { server, app, tom } = world;
    const named = { UserPoolId: app.UserPoolId, Username: tom.name };
    await finish(world);
    await server.client.send(new AdminUserGlobalSignOutCommand(named));
    await assertKnown(world);
    await server.client.send(new AdminDisableUserCommand(named));
    const refused = await begin(world);
    assert.equal(refused.status, 200);
    assert.match(refused.text, /This account is turned off/);
  });

  test("a pool that leaves no challenge out for devices knows none, also no more", async () => {
    const none = await setUp({ ChallengeRequiredOnNewDevice: false });
    await finish(none);
    assert.ok(!none.visitor.cookies.has(cookieOf(none)));
    assert.deepEqual(await devicesOf(none), []);
    await assertAsked(none);
    const world = await setUp();
    await finish(world);
    await assertKnown(world);
    const { server, app } = world;
    await server.client.send(
      new UpdateUserPoolCommand({
        UserPoolId: app.UserPoolId,
        MfaConfiguration: "OPTIONAL",
        DeviceConfiguration: { ChallengeRequiredOnNewDevice: false },
      }),
    );
    await assertAsked(world);
  });

  test("who is asked for nothing but a password leaves no device behind", async () => {
    const world = await setUp();
    const { server, app } = world;
    await makeUser(server, app.UserPoolId, "ann");
    codeIn(await begin(world, "ann"));
    assert.ok(!world.visitor.cookies.has(cookieOf(world)));
    const named = { UserPoolId: app.UserPoolId, Username: "ann" };
    assert.deepEqual((await server.client.send(new AdminListDevicesCommand(named))).Devices, []);
  });
});
