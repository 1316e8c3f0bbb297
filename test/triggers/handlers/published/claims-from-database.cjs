// Pre token generation: the tenant and the roles of a user come from our own database.
const { Pool } = require("pg");

// Kept for the next calls, as everybody does with connections in Lambda.
const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 1 });

exports.handler = async (event, context) => {
  // Or Lambda would wait until the connections are closed.
  context.callbackWaitsForEmptyEventLoop = false;
  const { rows } = await pool.query("SELECT tenant_id, roles FROM memberships WHERE email = $1", [
    event.request.userAttributes.email,
  ]);
  if (rows.length === 0) throw new Error("User has no membership");

  const [{ tenant_id, roles }] = rows;
  event.response = {
    claimsOverrideDetails: {
      claimsToAddOrOverride: {
        "custom:tenant_id": String(tenant_id),
        // Claims of this version are text.
        "custom:roles": JSON.stringify(roles),
        // Cognito does not let this one be changed.
        sub: "somebody-else",
      },
      claimsToSuppress: ["email_verified"],
      groupOverrideDetails: { groupsToOverride: roles },
    },
  };
  return event;
};
