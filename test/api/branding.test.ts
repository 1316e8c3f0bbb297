/** Styles of managed login through the AWS SDK for JavaScript v3. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type AssetType,
  CreateManagedLoginBrandingCommand,
  type CreateManagedLoginBrandingCommandInput,
  DeleteManagedLoginBrandingCommand,
  DeleteUserPoolClientCommand,
  DescribeManagedLoginBrandingByClientCommand,
  DescribeManagedLoginBrandingCommand,
  UpdateManagedLoginBrandingCommand,
  type UpdateManagedLoginBrandingCommandInput,
} from "@aws-sdk/client-cognito-identity-provider";
import { pino } from "pino";
import { changeStyle, createStyle } from "../../src/domain/branding/styles.ts";
import { createCtx } from "../../src/http/context.ts";
import { makeClient, makePool, refused } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";

type Key = { UserPoolId: string; ClientId: string };
type Given = Partial<CreateManagedLoginBrandingCommandInput>;

/** Images as small as they can be recognized, with something that tells one from another. */
const bytes = {
  PNG: (more = "") => Buffer.from(`\x89PNG\r\n\x1a\n${more}`, "latin1"),
  JPEG: (more = "") => Buffer.from(`\xff\xd8\xff\xe0${more}`, "latin1"),
  WEBP: (more = "") => Buffer.from(`RIFF\x10\0\0\0WEBPVP8 ${more}`, "latin1"),
  ICO: (more = "") => Buffer.from(`\0\0\x01\0${more}`, "latin1"),
  SVG: (more = "") => Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg">${more}</svg>`),
};

const asset = (
  Category: AssetType["Category"],
  Extension: keyof typeof bytes = "PNG",
  more: Partial<AssetType> = {},
): AssetType => ({ Category, ColorMode: "LIGHT", Extension, Bytes: bytes[Extension](), ...more });

const create = async ({ client }: TestServer, { UserPoolId, ClientId }: Key, given: Given = {}) => {
  const input = { UserPoolId, ClientId, ...given };
  const { ManagedLoginBranding } = await client.send(new CreateManagedLoginBrandingCommand(input));
  const { ManagedLoginBrandingId } = ManagedLoginBranding ?? {};
  return {
    ...ManagedLoginBranding,
    ManagedLoginBrandingId: ManagedLoginBrandingId ?? assert.fail("no style id"),
    UserPoolId,
  };
};

type StyleKey = { UserPoolId: string; ManagedLoginBrandingId: string };

const describe = async ({ client }: TestServer, style: StyleKey, ReturnMergedResources?: boolean) => {
  const { UserPoolId, ManagedLoginBrandingId } = style;
  const input = { UserPoolId, ManagedLoginBrandingId, ReturnMergedResources };
  return (await client.send(new DescribeManagedLoginBrandingCommand(input))).ManagedLoginBranding;
};

const update = async (
  { client }: TestServer,
  { UserPoolId, ManagedLoginBrandingId }: StyleKey,
  given: Partial<UpdateManagedLoginBrandingCommandInput>,
) => {
  const input = { UserPoolId, ManagedLoginBrandingId, ...given };
  return (await client.send(new UpdateManagedLoginBrandingCommand(input))).ManagedLoginBranding;
};

/** Bytes as text, so that they compare by value. */
const assetsOf = (style: { Assets?: AssetType[] | undefined } | undefined) =>
  (style?.Assets ?? []).map(({ Category, ColorMode, Extension, ResourceId, Bytes }) =>
    [Category, ColorMode, Extension, ResourceId ?? "-", Buffer.from(Bytes ?? []).toString("latin1")].join(
      " ",
    ),
  );

const missing = refused("ResourceNotFoundException", "Managed login branding style does not exist.");
const invalid = (message: RegExp) => refused("InvalidParameterException", message);

forOneServer("sqlite", "branding", (open) => {
  test("a style is made, described by its id and by its client, and deleted", async () => {
    const server = await open();
    const key = await makePool(server);
    const Settings = { components: { form: { borderRadius: 3 } }, list: [1, null, { "": true }], __x: "ü" };
    const Assets = [
      asset("PAGE_HEADER_LOGO", "SVG"),
      asset("FAVICON_ICO", "ICO"),
      asset("FAVICON_SVG", "SVG", { ColorMode: "DYNAMIC" }),
      asset("FORM_LOGO", "JPEG"),
      asset("FORM_LOGO", "WEBP", { ColorMode: "DARK" }),
      asset("IDP_BUTTON_ICON", "PNG", { ResourceId: "My IdP" }),
      asset("IDP_BUTTON_ICON", "PNG", { ResourceId: "Other" }),
    ];
    const made = await create(server, key, { Settings, Assets });
    assert.match(
      made.ManagedLoginBrandingId,
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    assert.equal(made.UserPoolId, key.UserPoolId);
    assert.equal(made.UseCognitoProvidedValues, false);
    assert.deepEqual(made.Settings, Settings);
    assert.deepEqual(assetsOf(made).toSorted(), assetsOf({ Assets }).toSorted());
    assert.ok(made.CreationDate instanceof Date);
    assert.deepEqual(made.LastModifiedDate, made.CreationDate);
    assert.deepEqual(await describe(server, made), made);
    const upper = { ...made, ManagedLoginBrandingId: made.ManagedLoginBrandingId.toUpperCase() };
    assert.deepEqual(await describe(server, upper), made);
    const byClient = async ({ UserPoolId, ClientId }: Key) =>
      (await server.client.send(new DescribeManagedLoginBrandingByClientCommand({ UserPoolId, ClientId })))
        .ManagedLoginBranding;
    assert.deepEqual(await byClient(key), made);
    const bare = { ...key, ...(await makeClient(server, key.UserPoolId)) };
    await assert.rejects(byClient(bare), missing);
    const { UserPoolId, ManagedLoginBrandingId } = made;
    const remove = new DeleteManagedLoginBrandingCommand({ UserPoolId, ManagedLoginBrandingId });
    await server.client.send(remove);
    await assert.rejects(server.client.send(remove), missing);
    await assert.rejects(describe(server, made), missing);
    await assert.rejects(byClient(key), missing);
    const again = await create(server, key);
    assert.deepEqual([again.Settings, again.Assets], [undefined, []]);
  });

  test("a client has one style, also when ten ask at once", async () => {
    const server = await open();
    const key = await makePool(server);
    const answers = await Promise.allSettled(Array.from({ length: 10 }, () => create(server, key)));
    assert.equal(answers.filter(({ status }) => status === "fulfilled").length, 1);
    await assert.rejects(create(server, key), refused("ManagedLoginBrandingExistsException", /already has/));
    const other = await makePool(server);
    await assert.rejects(
      create(server, { ...other, ClientId: key.ClientId }),
      refused("ResourceNotFoundException", `User pool client ${key.ClientId} does not exist.`),
    );
  });

  test("what an update leaves out stays", async () => {
    const server = await open();
    server.clock.freeze();
    const key = await makePool(server);
    const made = await create(server, key, {
      Settings: { a: { b: 1 }, c: 2 },
      Assets: [asset("FORM_LOGO"), asset("FORM_LOGO", "PNG", { ColorMode: "DARK" })],
    });
    server.clock.advance(1000);
    const settled = await update(server, made, { Settings: { a: { d: 3 } } });
    assert.deepEqual(settled, {
      ...made,
      Settings: { a: { d: 3 } },
      LastModifiedDate: new Date(server.clock.now),
    });
    // Another format takes the place of the first; an asset without bytes is the one that is there.
    const Assets = [
      asset("FORM_LOGO", "SVG"),
      asset("FORM_LOGO", "PNG", { ColorMode: "DARK", Bytes: undefined }),
      asset("PAGE_BACKGROUND", "JPEG"),
    ];
    const drawn = await update(server, made, { Assets });
    assert.deepEqual(drawn?.Settings, { a: { d: 3 } });
    assert.deepEqual(
      assetsOf(drawn).toSorted(),
      assetsOf({
        Assets: [Assets[0]!, asset("FORM_LOGO", "PNG", { ColorMode: "DARK" }), Assets[2]!],
      }).toSorted(),
    );
    assert.deepEqual(await describe(server, made), drawn);
    await assert.rejects(
      update(server, made, { Assets: [asset("EMAIL_GRAPHIC", "PNG", { Bytes: undefined })] }),
      invalid(/The asset EMAIL_GRAPHIC LIGHT has no Bytes/),
    );
    assert.deepEqual(await describe(server, made), drawn);

    const provided = await update(server, made, { UseCognitoProvidedValues: true });
    assert.deepEqual(
      [provided?.UseCognitoProvidedValues, provided?.Settings, provided?.Assets],
      [true, undefined, []],
    );
    const stays = await update(server, made, {});
    assert.equal(stays?.UseCognitoProvidedValues, true);
    const own = await update(server, made, { Assets: [asset("FORM_LOGO")] });
    assert.equal(own?.UseCognitoProvidedValues, false);
    assert.equal(own?.Assets?.length, 1);
    await assert.rejects(
      server.client.send(new UpdateManagedLoginBrandingCommand({ UserPoolId: key.UserPoolId })),
      missing,
    );
  });

  test("of updates at once none is lost", async () => {
    const server = await open();
    const made = await create(server, await makePool(server));
    const categories = ["FORM_LOGO", "EMAIL_GRAPHIC", "SMS_GRAPHIC", "PASSKEY_GRAPHIC"] as const;
    await Promise.all(categories.map((category) => update(server, made, { Assets: [asset(category)] })));
    const described = await describe(server, made);
    assert.deepEqual(described?.Assets?.map(({ Category }) => Category).toSorted(), categories.toSorted());
  });

  test("merged resources have the default for what the style leaves out", async () => {
    const server = await open();
    const key = await makePool(server);
    const own = { componentClasses: { buttons: { borderRadius: 21.5 } }, mine: { x: [1] } };
    const made = await create(server, key, { Settings: own });
    assert.deepEqual((await describe(server, made, false))?.Settings, own);
    const merged = (await describe(server, made, true))?.Settings as typeof own & {
      categories: { global: { colorSchemeMode: string } };
      componentClasses: { input: { borderRadius: number } };
    };
    assert.equal(merged.componentClasses.buttons.borderRadius, 21.5);
    assert.equal(typeof merged.componentClasses.input.borderRadius, "number");
    assert.deepEqual(merged.mine, { x: [1] });
    assert.match(merged.categories.global.colorSchemeMode, /^(?:LIGHT|DARK|DYNAMIC)$/);
    // What was merged can be sent back as it is.
    assert.deepEqual((await update(server, made, { Settings: merged }))?.Settings, merged);
    const list = { categories: { auth: { authMethodOrder: [] } } };
    await update(server, made, { Settings: list });
    const replaced = (await describe(server, made, true))?.Settings as typeof list;
    assert.deepEqual(replaced.categories.auth.authMethodOrder, []);
    await update(server, made, { UseCognitoProvidedValues: true });
    const { ClientId, UserPoolId } = key;
    const input = { UserPoolId, ClientId, ReturnMergedResources: true };
    const byClient = await server.client.send(new DescribeManagedLoginBrandingByClientCommand(input));
    const defaults = byClient.ManagedLoginBranding?.Settings as typeof merged;
    assert.notEqual(defaults.componentClasses.buttons.borderRadius, 21.5);
  });

  test("what does not fit is refused, when it is made and when it is changed", async () => {
    const server = await open();
    const key = await makePool(server);
    const bare = { ...key, ...(await makeClient(server, key.UserPoolId)) };
    const made = await create(server, key, { Assets: [asset("FORM_LOGO")] });
    const rows: [Given, RegExp][] = [
      [{ UseCognitoProvidedValues: true, Settings: {} }, /must be omitted/],
      [{ UseCognitoProvidedValues: true, Assets: [asset("FORM_LOGO")] }, /must be omitted/],
      [{ Settings: [] }, /Settings must be a JSON object/],
      [{ Settings: "text" }, /Settings must be a JSON object/],
      [{ Settings: { text: "ü".repeat(131_072) } }, /Settings must not have more than 262144 bytes/],
      [{ Assets: [asset("FORM_LOGO", "PNG", { Bytes: bytes.JPEG() })] }, /LIGHT is not a PNG file/],
      [{ Assets: [asset("FORM_LOGO", "WEBP", { Bytes: bytes.PNG() })] }, /LIGHT is not a WEBP file/],
      [{ Assets: [asset("FORM_LOGO", "JPEG", { Bytes: bytes.SVG() })] }, /LIGHT is not a JPEG file/],
      [{ Assets: [asset("FAVICON_ICO", "ICO", { Bytes: bytes.PNG() })] }, /LIGHT is not a ICO file/],
      [{ Assets: [asset("FORM_LOGO", "SVG", { Bytes: bytes.PNG() })] }, /The SVG image of .* is not/],
      [{ Assets: [asset("FORM_LOGO", "PNG", { Bytes: Buffer.alloc(0) })] }, /LIGHT is not a PNG file/],
      [{ Assets: [asset("FORM_LOGO", "ICO")] }, /FORM_LOGO LIGHT cannot have the extension ICO/],
      [{ Assets: [asset("FAVICON_ICO", "PNG")] }, /FAVICON_ICO LIGHT cannot have the extension PNG/],
      [{ Assets: [asset("FAVICON_SVG", "PNG")] }, /FAVICON_SVG LIGHT must have the extension SVG/],
      [{ Assets: [asset("FORM_LOGO"), asset("FORM_LOGO", "JPEG")] }, /LIGHT is given more than once/],
      [
        { Assets: [asset("FORM_LOGO", "SVG", { Bytes: bytes.SVG("<script>alert(1)</script>") })] },
        /has an element script, which is not allowed/,
      ],
      [
        { Assets: [asset("FORM_LOGO", "SVG", { Bytes: bytes.SVG('<g onclick="x"/>') })] },
        /has an event handler onclick/,
      ],
      [
        { Assets: [asset("FORM_LOGO", "PNG", { Bytes: bytes.PNG("x".repeat(1_000_000)) })] },
        /Member must have length less than or equal to 1000000/,
      ],
      [{ Assets: Array.from({ length: 41 }, () => asset("FORM_LOGO")) }, /less than or equal to 40/],
    ];
    const before = await describe(server, made);
    for (const [given, message] of rows) {
      await assert.rejects(create(server, bare, given), invalid(message));
      await assert.rejects(update(server, made, given), invalid(message));
    }
    await assert.rejects(
      create(server, bare, { Assets: [asset("FORM_LOGO", "PNG", { Bytes: undefined })] }),
      invalid(/FORM_LOGO LIGHT has no Bytes/),
    );
    assert.deepEqual(await describe(server, made), before);
    await create(server, bare);
  });

  test("a style has forty assets at most, and ten megabytes", async () => {
    const server = await open();
    const key = await makePool(server);
    const icon = (index: number, size = 0) =>
      asset("IDP_BUTTON_ICON", "PNG", { ResourceId: `idp-${index}`, Bytes: bytes.PNG("x".repeat(size)) });
    const many = await create(server, key, { Assets: Array.from({ length: 40 }, (_, index) => icon(index)) });
    await assert.rejects(update(server, many, { Assets: [icon(40)] }), invalid(/at most 40 assets/));
    await update(server, many, { Assets: [icon(39)] });
    const large = 999_992;
    const fresh = { ...key, ...(await makeClient(server, key.UserPoolId)) };
    const heavy = await create(server, fresh, { Assets: [icon(0, large), icon(1, large)] });
    for (let at = 2; at < 10; at += 2)
      await update(server, heavy, { Assets: [icon(at, large), icon(at + 1, large)] });
    await assert.rejects(update(server, heavy, { Assets: [icon(10)] }), invalid(/at most 10000000 bytes/));
    await update(server, heavy, { Assets: [icon(9, large)] });
    assert.equal((await describe(server, heavy))?.Assets?.length, 10);
  });

  test("no style outlives a client that is deleted meanwhile", async () => {
    const server = await open();
    const { UserPoolId } = await makePool(server);
    const clients = await Promise.all(Array.from({ length: 20 }, () => makeClient(server, UserPoolId)));
    await Promise.all(
      clients.flatMap(({ ClientId }) => [
        create(server, { UserPoolId, ClientId }, { Assets: [asset("FORM_LOGO")] }).catch((error) =>
          assert.equal(error.name, "ResourceNotFoundException"),
        ),
        server.client.send(new DeleteUserPoolClientCommand({ UserPoolId, ClientId })),
      ]),
    );
    for (const table of ["branding_styles", "branding_assets"] as const) {
      const { kysely } = server.app.db;
      const left = await kysely
        .selectFrom(table)
        .select("client_id")
        .where("pool_id", "=", UserPoolId)
        .execute();
      assert.deepEqual(left, [], table);
    }
  });

  test("the log names colors that cannot be read, when they are stored and not on every page", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(server);
    const lines: { settings?: string[]; msg: string }[] = [];
    const log = pino({ base: null }, { write: (line) => lines.push(JSON.parse(line)) });
    const ctx = createCtx(
      { ...server.app, log },
      { requestId: "r", address: "127.0.0.1", userAgent: undefined },
    );
    const textColor = "ffffffff";
    const primaryButton = { lightMode: { defaults: { backgroundColor: "ffee00ff", textColor } } };
    const { style } = await createStyle(ctx, {
      UserPoolId,
      ClientId,
      Settings: { components: { primaryButton } },
    });
    assert.equal(lines.length, 1);
    assert.equal(lines[0]?.msg, "colors that cannot be read are shown as others");
    const path = "components.primaryButton.lightMode";
    assert.ok(
      lines[0].settings?.includes(`${path}.defaults.textColor 1.2:1 < 4.5:1`),
      `${lines[0].settings}`,
    );
    const key = { UserPoolId, ManagedLoginBrandingId: style.styleId };
    await changeStyle(ctx, { ...key, Settings: {} });
    await changeStyle(ctx, { ...key, UseCognitoProvidedValues: true });
    assert.equal(lines.length, 1);
  });

  test("a style goes with its client", async () => {
    const server = await open();
    const key = await makePool(server);
    const made = await create(server, key, { Assets: [asset("FORM_LOGO")] });
    const { UserPoolId, ClientId } = key;
    await server.client.send(new DeleteUserPoolClientCommand({ UserPoolId, ClientId }));
    await assert.rejects(describe(server, made), missing);
    const left = await server.app.db.kysely
      .selectFrom("branding_assets")
      .select("category")
      .where("client_id", "=", ClientId)
      .execute();
    assert.deepEqual(left, []);
  });
});
