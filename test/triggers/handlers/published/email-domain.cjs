// Pre sign-up: only addresses of our own domains, in the style of the first Node.js runtimes.
const allowedDomains = process.env.ALLOWED_DOMAINS.split(",").map((domain) => domain.trim().toLowerCase());

exports.handler = (event, _context, callback) => {
  const email = event.request.userAttributes.email || "";
  const domain = email.substring(email.lastIndexOf("@") + 1).toLowerCase();

  if (event.triggerSource === "PreSignUp_AdminCreateUser") return callback(null, event);
  if (!allowedDomains.includes(domain))
    return callback(new Error(`Cannot register users from the domain ${domain}`), event);

  event.response.autoConfirmUser = true;
  event.response.autoVerifyEmail = true;
  return callback(null, event);
};
