/** The page of amplify.test.ts: an application that uses Amplify, whose functions the test calls by their names. */
import { Amplify } from "aws-amplify";
import * as auth from "aws-amplify/auth";

const settings = new URLSearchParams(location.search);
Amplify.configure({
  Auth: {
    Cognito: {
      userPoolId: settings.get("userPoolId"),
      userPoolClientId: settings.get("userPoolClientId"),
      userPoolEndpoint: settings.get("userPoolEndpoint"),
    },
  },
});

window.amplify = auth;
