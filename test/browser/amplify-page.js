/** The page of the tests with Amplify: an application whose functions they call by their names. */
import { Amplify } from "aws-amplify";
import * as auth from "aws-amplify/auth";
import { Hub } from "aws-amplify/utils";

/** What Amplify has told of since the page was loaded. */
window.told = [];
Hub.listen("auth", ({ payload: { event, data } }) => {
  const { error } = data ?? {};
  window.told.push({ event, data: error ? { name: error.name, message: error.message } : data });
});

// The page that it is served in has them.
const { oauth, ...settings } = window.settings;
Amplify.configure({ Auth: { Cognito: { ...settings, ...(oauth && { loginWith: { oauth } }) } } });

window.amplify = auth;
