/** Users' authentication events, and administrators' feedback on them. */
import { poolAndUser } from "../../../domain/users/find-user.ts";
import { type AuthEvent, listAuthEvents, setAuthEventFeedback } from "../../../store/auth-events.ts";
import type { AuthEventType } from "../../../wire/generated/user-pools.types.ts";
import { refuse } from "../../../wire/refuse.ts";
import { epochSeconds, type Handler } from "../operation.ts";
import { pageBinding, pageSize, readPage } from "../paging.ts";

export const AdminListUserAuthEvents: Handler<"AdminListUserAuthEvents"> = async (ctx, input) => {
  const { pool, user } = await poolAndUser(ctx, input);
  await ctx.app.authEvents.flush();
  const { items, nextToken } = await readPage(
    ctx,
    {
      binding: pageBinding("AdminListUserAuthEvents", pool.id, user.id),
      token: input.NextToken,
      limit: pageSize(input.MaxResults),
    },
    ({ after, limit }) => listAuthEvents(ctx.db, pool.id, user.id, { before: after || undefined, limit }),
    (event) => event.id,
  );
  return { AuthEvents: items.map(authEventType), NextToken: nextToken };
};

function authEventType(event: AuthEvent): AuthEventType {
  const { feedback } = event;
  return {
    EventId: event.id,
    EventType: event.type,
    CreationDate: epochSeconds(event.at),
    EventResponse: event.response,
    ChallengeResponses: event.challenges.map(({ name, passed }) => ({
      ChallengeName: name,
      ChallengeResponse: passed ? "Success" : "Failure",
    })),
    EventContextData: { IpAddress: event.address, DeviceName: deviceName(event) },
    EventFeedback: feedback && {
      FeedbackValue: feedback.value,
      Provider: feedback.provider,
      FeedbackDate: epochSeconds(feedback.at),
    },
  };
}

/** The device name, with the number of attempts if the event stands for several: the shape has no member for that. */
function deviceName({ deviceName: name, times = 1 }: AuthEvent): string | undefined {
  if (times === 1) return name;
  return [name, `(${times} attempts)`].filter(Boolean).join(" ");
}

export const AdminUpdateAuthEventFeedback: Handler<"AdminUpdateAuthEventFeedback"> = async (ctx, input) => {
  const { user } = await poolAndUser(ctx, input);
  await ctx.app.authEvents.flush();
  const feedback = { value: input.FeedbackValue, provider: "Admin", at: ctx.now };
  if (!(await setAuthEventFeedback(ctx.db, user, input.EventId, feedback)))
    refuse("ResourceNotFoundException", "The user has no such event.");
  return {};
};
