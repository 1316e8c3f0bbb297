/** Resource servers and their scopes. */

import { loadPool } from "../../../domain/user-pools/load-pool.ts";
import {
  createResourceServer,
  noSuchResourceServer,
  replaceResourceServer,
} from "../../../domain/user-pools/resource-servers.ts";
import { shownScopes } from "../../../domain/user-pools/shown.ts";
import {
  deleteResourceServer,
  listResourceServers,
  type ResourceServer,
  readResourceServer,
} from "../../../store/resource-servers.ts";
import type { ResourceServerType } from "../../../wire/generated/user-pools.types.ts";
import type { Handler } from "../operation.ts";
import { pageBinding, readPage } from "../paging.ts";

export const CreateResourceServer: Handler<"CreateResourceServer"> = async (ctx, input) => ({
  ResourceServer: resourceServerType(await createResourceServer(ctx, input)),
});

export const DescribeResourceServer: Handler<"DescribeResourceServer"> = async (ctx, input) => {
  await loadPool(ctx, input.UserPoolId);
  const found = await readResourceServer(ctx.db, input.UserPoolId, input.Identifier);
  return { ResourceServer: resourceServerType(found ?? noSuchResourceServer(input.Identifier)) };
};

export const UpdateResourceServer: Handler<"UpdateResourceServer"> = async (ctx, input) => ({
  ResourceServer: resourceServerType(await replaceResourceServer(ctx, input)),
});

export const DeleteResourceServer: Handler<"DeleteResourceServer"> = async (ctx, input) => {
  await loadPool(ctx, input.UserPoolId);
  if (!(await deleteResourceServer(ctx.db, input.UserPoolId, input.Identifier)))
    noSuchResourceServer(input.Identifier);
  return {};
};

/** The model allows at most 50 items per page. */
export const ListResourceServers: Handler<"ListResourceServers"> = async (ctx, input) => {
  const pool = await loadPool(ctx, input.UserPoolId);
  const limit = input.MaxResults ?? 50;
  const { items, nextToken } = await readPage(
    ctx,
    { binding: pageBinding("ListResourceServers", pool.id, limit), token: input.NextToken, limit },
    (page) => listResourceServers(ctx.db, pool.id, page),
    (server) => server.identifier,
  );
  return { ResourceServers: items.map(resourceServerType), NextToken: nextToken };
};

function resourceServerType(server: ResourceServer): ResourceServerType {
  return {
    UserPoolId: server.poolId,
    Identifier: server.identifier,
    Name: server.name,
    Scopes: shownScopes(server.scopes).map(({ name, description }) => ({
      ScopeName: name,
      ScopeDescription: description,
    })),
  };
}
