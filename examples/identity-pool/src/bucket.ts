/** Lists the bucket of a store, which knows nothing of tokens either: it takes calls signed with credentials. */
import { CognitoIdentityClient, GetCredentialsForIdentityCommand } from "@aws-sdk/client-cognito-identity";
import { ListObjectsV2Command, S3Client, S3ServiceException } from "@aws-sdk/client-s3";
import { fetchAuthSession } from "aws-amplify/auth";
import { Refusal } from "./refusal.ts";
import { loginsNow } from "./session.ts";
import { type Store, settings } from "./settings.ts";

export interface StoredObject {
  readonly key: string;
  /** In bytes. */
  readonly size: number;
}

const { poolhouse: endpoint, region } = settings;

/** At most 100 objects of a bucket. Throws a Refusal if the store refuses. */
export async function listBucket({ url, bucket, roleArn }: Store): Promise<StoredObject[]> {
  const credentials = await credentialsFor(roleArn);
  // The bucket is in the path: a name such as bucket.localhost leads nowhere in most places.
  const s3 = new S3Client({ endpoint: url, region, credentials, forcePathStyle: true });
  try {
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 100 }));
    return Contents.map(({ Key = "", Size = 0 }) => ({ key: Key, size: Size }));
  } catch (error) {
    if (error instanceof S3ServiceException)
      throw new Refusal(error.$metadata.httpStatusCode ?? 0, error.name, error.message);
    // What the browser says if there is no answer, or one that this page may not read (CORS).
    if (error instanceof TypeError)
      throw new Error("The store does not answer, or does not let this page call it (CORS).");
    throw error;
  }
}

/**
 * Credentials of a role other than that of the session: users may ask for the role of any of their groups (CustomRoleArn).
 * Guests have theirs alone.
 */
async function credentialsFor(roleArn: string) {
  const { credentials, identityId } = await fetchAuthSession();
  const Logins = await loginsNow();
  if (Logins === undefined) return credentials!;
  const client = new CognitoIdentityClient({ endpoint, region });
  const { Credentials } = await client.send(
    new GetCredentialsForIdentityCommand({ IdentityId: identityId, Logins, CustomRoleArn: roleArn }),
  );
  const { AccessKeyId, SecretKey, SessionToken } = Credentials!;
  return { accessKeyId: AccessKeyId!, secretAccessKey: SecretKey!, sessionToken: SessionToken! };
}
