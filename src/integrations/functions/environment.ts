/** The environment of a handler: its own, and what Lambda sets ("Defined runtime environment variables"). */
import { basename, dirname, extname } from "node:path";
import type { ChildFunction, FunctionSettings, ModuleFunction } from "../../lib/function-settings.ts";
import type { FunctionHost } from "./driver.ts";

/** Everything that the handler finds in its environment. Nothing of the server's own is passed on but PATH. */
export function environmentOf(
  { name, file, handler, memoryMb, environment, key }: FunctionSettings & (ModuleFunction | ChildFunction),
  { path, region, endpoint }: FunctionHost,
): Record<string, string> {
  return {
    PATH: path,
    TZ: ":UTC",
    LANG: "en_US.UTF-8",
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER: endpoint,
    AWS_ENDPOINT_URL_KMS: endpoint,
    ...(key !== undefined && {
      AWS_ACCESS_KEY_ID: key.accessKeyId,
      AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
    }),
    ...environment,
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: "poolhouse/[$LATEST]",
    LAMBDA_TASK_ROOT: dirname(file),
    _HANDLER: `${basename(file, extname(file))}.${handler}`,
  };
}
