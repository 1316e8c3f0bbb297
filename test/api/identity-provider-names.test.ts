/** The names and identifiers of identity providers, and changes at once, through the AWS SDK for JavaScript v3. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  DeleteIdentityProviderCommand,
  GetIdentityProviderByIdentifierCommand,
  ListIdentityProvidersCommand,
  paginateListIdentityProviders,
  UpdateIdentityProviderCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { makePool, refused } from "../kit/people.ts";
import { createProvider, describeProvider, openIdProvider } from "../kit/providers.ts";
import { forEachServer } from "../kit/server.ts";

const invalid = (message: string | RegExp) => refused("InvalidParameterException", message);

forEachServer("names of identity providers", (open) => {
  test("an identifier names one provider of the pool, in whatever case", async () => {
    const server = await open();
    const { client } = server;
    const { UserPoolId } = await makePool(server);
    const other = await makePool(server);
    await createProvider(
      server,
      UserPoolId,
      openIdProvider("One", { IdpIdentifiers: ["One.example", "uno.example"] }),
    );
    await createProvider(server, UserPoolId, openIdProvider("Two"));
    await createProvider(
      server,
      other.UserPoolId,
      openIdProvider("One", { IdpIdentifiers: ["one.example"] }),
    );
    const find = async (IdpIdentifier: string) =>
      (await client.send(new GetIdentityProviderByIdentifierCommand({ UserPoolId, IdpIdentifier })))
        .IdentityProvider;
    assert.deepEqual(await find("one.EXAMPLE"), await describeProvider(server, UserPoolId, "One"));
    const nobody = refused(
      "ResourceNotFoundException",
      "There is no identity provider with the identifier two.example.",
    );
    await assert.rejects(find("two.example"), nobody);
    const taken = `The identifier UNO.example already exists in user pool ${UserPoolId}.`;
    await assert.rejects(
      createProvider(
        server,
        UserPoolId,
        openIdProvider("Three", { IdpIdentifiers: ["three", "UNO.example"] }),
      ),
      refused("DuplicateProviderException", taken),
    );
    await assert.rejects(describeProvider(server, UserPoolId, "Three"), refused("ResourceNotFoundException"));
    const change = (IdpIdentifiers: string[]) =>
      client.send(new UpdateIdentityProviderCommand({ UserPoolId, ProviderName: "Two", IdpIdentifiers }));
    await assert.rejects(change(["UNO.example"]), invalid(taken));
    await assert.rejects(change(["a", "b", "A"]), invalid("The identifier A is given more than once."));
    await assert.rejects(change(["a/b"]), invalid(/'idpIdentifiers' failed to satisfy constraint/));
    const fifty = Array.from({ length: 50 }, (_, index) => `i${index}`);
    await assert.rejects(
      change([...fifty, "more"]),
      invalid(/'idpIdentifiers' failed to satisfy constraint/),
    );
    await change(fifty);
    assert.equal((await find("I49"))?.ProviderName, "Two");
    await change(["two.example"]);
    await assert.rejects(find("i49"), refused("ResourceNotFoundException"));
    await client.send(new DeleteIdentityProviderCommand({ UserPoolId, ProviderName: "Two" }));
    await assert.rejects(find("two.example"), nobody);
    await createProvider(server, UserPoolId, openIdProvider("Three", { IdpIdentifiers: ["two.example"] }));
  });

  test("of ten who make the same provider at once, one does", async () => {
    const server = await open();
    const { UserPoolId } = await makePool(server);
    const answers = await Promise.allSettled(
      Array.from({ length: 10 }, () =>
        createProvider(server, UserPoolId, openIdProvider("Corp", { IdpIdentifiers: ["corp.example"] })),
      ),
    );
    assert.equal(answers.filter(({ status }) => status === "fulfilled").length, 1);
    await assert.rejects(
      createProvider(server, UserPoolId, openIdProvider("Corp")),
      refused("DuplicateProviderException", `Corp already exists in user pool ${UserPoolId}.`),
    );
    // And of ten who want the same identifier.
    const others = await Promise.allSettled(
      Array.from({ length: 10 }, (_, index) =>
        createProvider(
          server,
          UserPoolId,
          openIdProvider(`Corp-${index}`, { IdpIdentifiers: [`own-${index}`, "shared"] }),
        ),
      ),
    );
    assert.equal(others.filter(({ status }) => status === "fulfilled").length, 1);
  });

  test("names that differ only by case are the same, as the usernames that begin with them may be", async () => {
    const server = await open();
    const { client } = server;
    const { UserPoolId } = await makePool(server);
    const names = ["Okta", "okta", "OKTA", "oKTA"];
    const answers = await Promise.allSettled(
      names.map((name) => createProvider(server, UserPoolId, openIdProvider(name))),
    );
    const won = names.filter((_, index) => answers[index]?.status === "fulfilled");
    assert.equal(won.length, 1);
    for (const name of names)
      await assert.rejects(
        createProvider(server, UserPoolId, openIdProvider(name)),
        refused("DuplicateProviderException", `${name} already exists in user pool ${UserPoolId}.`),
      );
    // The same letter, composed and in two parts.
    await createProvider(server, UserPoolId, openIdProvider("Caf\u00e9"));
    await assert.rejects(
      createProvider(server, UserPoolId, openIdProvider("cafe\u0301")),
      refused("DuplicateProviderException"),
    );
    await createProvider(server, (await makePool(server)).UserPoolId, openIdProvider("okta"));
    await client.send(new DeleteIdentityProviderCommand({ UserPoolId, ProviderName: won[0] }));
    await createProvider(server, UserPoolId, openIdProvider("okta"));
    await assert.rejects(describeProvider(server, UserPoolId, "Okta"), refused("ResourceNotFoundException"));
  });

  test("500 providers are listed page by page, by name", async () => {
    const server = await open();
    const { client, app } = server;
    const { UserPoolId } = await makePool(server);
    await createProvider(server, UserPoolId, openIdProvider("Corp-0"));
    // The others are copies of its row.
    const table = "identity_providers";
    const rows = app.db.kysely.selectFrom(table).selectAll().where("pool_id", "=", UserPoolId);
    const row = await rows.executeTakeFirstOrThrow();
    const names = Array.from({ length: 500 }, (_, index) => `Corp-${index}`);
    const copies = names
      .slice(1)
      .map((name) => ({ ...row, provider_name: name, prefix_key: name.toLowerCase() }));
    await app.db.kysely.insertInto(table).values(copies).execute();
    const listed: string[] = [];
    let pages = 0;
    for await (const page of paginateListIdentityProviders({ client }, { UserPoolId, MaxResults: 60 })) {
      pages += 1;
      for (const { ProviderName, ProviderType, CreationDate, LastModifiedDate } of page.Providers ?? []) {
        assert.equal(ProviderType, "OIDC");
        assert.ok(CreationDate instanceof Date && LastModifiedDate instanceof Date);
        listed.push(ProviderName ?? "");
      }
    }
    assert.equal(pages, 9);
    assert.deepEqual(listed, names.toSorted());
    const bare = await client.send(new ListIdentityProvidersCommand({ UserPoolId }));
    assert.equal(bare.Providers?.length, 60);
    const NextToken = bare.NextToken ?? assert.fail("no token");
    const other = await makePool(server);
    await assert.rejects(
      client.send(new ListIdentityProvidersCommand({ UserPoolId: other.UserPoolId, NextToken })),
      invalid("Invalid pagination token given."),
    );
  });
});
