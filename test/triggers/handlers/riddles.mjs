/** A pool with riddles: two right answers in a row let you in, three wrong ones do not. */
export async function handler(event) {
  const { triggerSource, request, response } = event;
  const { session = [] } = request;
  if (triggerSource === "DefineAuthChallenge_Authentication") {
    const customs = session.filter(({ challengeName }) => challengeName === "CUSTOM_CHALLENGE");
    const right = customs.filter(({ challengeResult }) => challengeResult).length;
    if (session.length === 1 && session[0].challengeName === "SRP_A")
      response.challengeName = "PASSWORD_VERIFIER";
    else if (customs.length - right >= 3) response.failAuthentication = true;
    else if (right >= 2) response.issueTokens = true;
    else response.challengeName = "CUSTOM_CHALLENGE";
  }
  if (triggerSource === "CreateAuthChallenge_Authentication") {
    response.publicChallengeParameters = { riddle: `What is ${session.length} and one?` };
    response.privateChallengeParameters = { solution: String(session.length + 1) };
    response.challengeMetadata = `riddle-${session.length}`;
  }
  if (triggerSource === "VerifyAuthChallengeResponse_Authentication")
    response.answerCorrect = request.challengeAnswer === request.privateChallengeParameters.solution;
  return event;
}
