// The three triggers of a sign-in by a magic link, in one module.
const crypto = require("node:crypto");

module.exports.defineAuthChallenge = async (event) => {
  const { session } = event.request;
  const last = session.slice(-1)[0];
  if (event.request.userNotFound) {
    event.response.issueTokens = false;
    event.response.failAuthentication = true;
  } else if (session.length >= 3 && last.challengeResult === false) {
    // Three wrong answers.
    event.response.issueTokens = false;
    event.response.failAuthentication = true;
  } else if (last && last.challengeName === "CUSTOM_CHALLENGE" && last.challengeResult === true) {
    event.response.issueTokens = true;
    event.response.failAuthentication = false;
  } else {
    event.response.issueTokens = false;
    event.response.failAuthentication = false;
    event.response.challengeName = "CUSTOM_CHALLENGE";
  }
  return event;
};

module.exports.createAuthChallenge = async (event) => {
  const { email } = event.request.userAttributes;
  const previous = event.request.session.slice(-1)[0];
  let code;
  if (!previous) {
    code = crypto.randomBytes(16).toString("hex");
    const link = `${process.env.APP_URL}/magic?email=${encodeURIComponent(email)}&code=${code}`;
    const response = await fetch(process.env.MAIL_API, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${process.env.MAIL_API_KEY}` },
      body: JSON.stringify({ to: email, subject: "Sign in", html: `<a href="${link}">Sign in</a>` }),
    });
    if (!response.ok) throw new Error("The mail could not be sent");
  } else {
    // A wrong answer: no second mail, the code stays as it was.
    code = previous.challengeMetadata.match(/CODE-(\w*)/)[1];
  }
  event.response.publicChallengeParameters = { email };
  event.response.privateChallengeParameters = { code };
  event.response.challengeMetadata = `CODE-${code}`;
  return event;
};

module.exports.verifyAuthChallengeResponse = async (event) => {
  const expected = event.request.privateChallengeParameters.code;
  event.response.answerCorrect = event.request.challengeAnswer === expected;
  return event;
};
