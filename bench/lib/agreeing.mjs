/** A handler that agrees to everything; with HANGS it never answers for a refresh. */
export const handler = async (event) => {
  if (process.env.HANGS && event.triggerSource === "TokenGeneration_RefreshTokens")
    await new Promise((resolve) => setTimeout(resolve, 2 ** 30));
  return event;
};
