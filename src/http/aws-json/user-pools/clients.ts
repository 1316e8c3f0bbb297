/** App clients and their secrets. */

import { type Client, loadPool, loadPoolClient } from "../../../domain/user-pools/load-pool.ts";
import {
  addSecret,
  createClient,
  removeClient,
  removeSecret,
  updateClientSettings,
} from "../../../domain/user-pools/manage-clients.ts";
import { shownClient } from "../../../domain/user-pools/shown.ts";
import { listClients, readSecrets } from "../../../store/clients.ts";
import type { UserPoolClientType } from "../../../wire/generated/user-pools.types.ts";
import { epochSeconds, type Handler } from "../operation.ts";
import { pageBinding, pageSize, readPage } from "../paging.ts";

export const CreateUserPoolClient: Handler<"CreateUserPoolClient"> = async (ctx, input) => ({
  UserPoolClient: clientType(await createClient(ctx, input)),
});

export const DescribeUserPoolClient: Handler<"DescribeUserPoolClient"> = async (ctx, input) => {
  const { client } = await loadPoolClient(ctx, input.UserPoolId, input.ClientId);
  return { UserPoolClient: clientType(client) };
};

export const UpdateUserPoolClient: Handler<"UpdateUserPoolClient"> = async (ctx, input) => ({
  UserPoolClient: clientType(await updateClientSettings(ctx, input)),
});

export const DeleteUserPoolClient: Handler<"DeleteUserPoolClient"> = async (ctx, input) => {
  await removeClient(ctx, input.UserPoolId, input.ClientId);
  return {};
};

export const ListUserPoolClients: Handler<"ListUserPoolClients"> = async (ctx, input) => {
  const pool = await loadPool(ctx, input.UserPoolId);
  // No client has registered itself: there is no dynamic registration yet.
  if (input.ClientType === "DCR") return { UserPoolClients: [] };
  const limit = pageSize(input.MaxResults);
  const { items, nextToken } = await readPage(
    ctx,
    {
      binding: pageBinding("ListUserPoolClients", pool.id, limit, input.ClientType),
      token: input.NextToken,
      limit,
    },
    (page) => listClients(ctx.db, pool.id, page),
    (client) => client.clientId,
  );
  const clients = items.map(({ clientId, name }) => ({
    ClientId: clientId,
    UserPoolId: pool.id,
    ClientName: name,
  }));
  return { UserPoolClients: clients, NextToken: nextToken };
};

/** Returns the secret's value this once, and only if it was generated here. */
export const AddUserPoolClientSecret: Handler<"AddUserPoolClientSecret"> = async (ctx, input) => {
  const { secretId, secret, createdAt } = await addSecret(ctx, input);
  return {
    ClientSecretDescriptor: {
      ClientSecretId: secretId,
      ClientSecretValue: input.ClientSecret === undefined ? secret : undefined,
      ClientSecretCreateDate: epochSeconds(createdAt),
    },
  };
};

/** "The response never reveals the actual secret value"; a single page, since there are at most two. */
export const ListUserPoolClientSecrets: Handler<"ListUserPoolClientSecrets"> = async (ctx, input) => {
  const { client } = await loadPoolClient(ctx, input.UserPoolId, input.ClientId);
  const secrets = await readSecrets(ctx.db, client.poolId, client.id);
  const describe = ({ secretId, createdAt }: (typeof secrets)[number]) => ({
    ClientSecretId: secretId,
    ClientSecretCreateDate: epochSeconds(createdAt),
  });
  return { ClientSecrets: secrets.map(describe) };
};

export const DeleteUserPoolClientSecret: Handler<"DeleteUserPoolClientSecret"> = async (ctx, input) => {
  await removeSecret(ctx, input);
  return {};
};

/** A client in wire shape. Of two secrets it shows the newest, so that programs that read it here move on to it. */
function clientType(client: Client): UserPoolClientType {
  return {
    ...shownClient(client.document),
    UserPoolId: client.poolId,
    ClientId: client.id,
    ClientName: client.name,
    ClientSecret: client.secrets.at(-1),
    CreationDate: epochSeconds(client.createdAt),
    LastModifiedDate: epochSeconds(client.updatedAt),
  };
}
