/**
 * The default settings of a style, by the names in AWS's branding editor ("Managed login branding", Amazon Cognito
 * Developer Guide). They match theme.css of the hosted pages. Colors are RRGGBBAA.
 */

const plain = (backgroundColor: string, borderColor: string) => ({ backgroundColor, borderColor });
const button = (backgroundColor: string, textColor: string) => ({ backgroundColor, textColor });
const selected = (backgroundColor: string, foregroundColor: string) => ({ backgroundColor, foregroundColor });
const outlined = (backgroundColor: string, borderColor: string, textColor: string) => ({
  backgroundColor,
  borderColor,
  textColor,
});
const status = (backgroundColor: string, borderColor: string, indicatorColor: string) => ({
  backgroundColor,
  borderColor,
  indicatorColor,
});

const categories = {
  auth: {
    authMethodOrder: [
      [
        { display: "BUTTON", type: "FEDERATED" },
        { display: "INPUT", type: "USERNAME_PASSWORD" },
      ],
    ],
    federation: { interfaceStyle: "BUTTON_LIST", order: [] },
  },
  form: {
    displayGraphics: true,
    instructions: { enabled: false },
    languageSelector: { enabled: true },
    location: { horizontal: "CENTER", vertical: "CENTER" },
    sessionTimerDisplay: "NONE",
  },
  global: {
    colorSchemeMode: "DYNAMIC",
    pageFooter: { enabled: false },
    pageHeader: { enabled: false },
    spacingDensity: "REGULAR",
  },
  signUp: { acceptanceElements: [{ enforcement: "NONE", textKey: "en" }] },
};

const componentClasses = {
  buttons: { borderRadius: 10 },
  divider: { lightMode: { borderColor: "e3e6ecff" }, darkMode: { borderColor: "272b35ff" } },
  focusState: { lightMode: { borderColor: "2f54d6ff" }, darkMode: { borderColor: "9db4ffff" } },
  idpButtons: { icons: { enabled: true } },
  input: {
    borderRadius: 10,
    lightMode: { defaults: plain("ffffffff", "868d9fff"), placeholderColor: "5a6072ff" },
    darkMode: { defaults: plain("1b1f28ff", "6d7485ff"), placeholderColor: "a3a9b8ff" },
  },
  inputDescription: { lightMode: { textColor: "5a6072ff" }, darkMode: { textColor: "a3a9b8ff" } },
  inputLabel: { lightMode: { textColor: "14171fff" }, darkMode: { textColor: "eef0f5ff" } },
  link: {
    lightMode: { defaults: { textColor: "2a4cc4ff" }, hover: { textColor: "2a4cc4ff" } },
    darkMode: { defaults: { textColor: "a9bdffff" }, hover: { textColor: "a9bdffff" } },
  },
  optionControls: {
    lightMode: { defaults: plain("ffffffff", "868d9fff"), selected: selected("2f54d6ff", "ffffffff") },
    darkMode: { defaults: plain("1b1f28ff", "6d7485ff"), selected: selected("4668e8ff", "ffffffff") },
  },
  statusIndicator: {
    lightMode: {
      error: status("fdf0efff", "f3cfccff", "b3261eff"),
      pending: { indicatorColor: "868d9fff" },
      success: status("eef8f1ff", "c9e7d3ff", "1b6b3aff"),
      warning: status("fff8e8ff", "8a5a00ff", "8a5a00ff"),
    },
    darkMode: {
      error: status("2b1a1bff", "55302fff", "ffb4abff"),
      pending: { indicatorColor: "6d7485ff" },
      success: status("15241bff", "2a4a36ff", "8fdcabff"),
      warning: status("2a2008ff", "ffca66ff", "ffca66ff"),
    },
  },
};

const bar = {
  backgroundImage: { enabled: false },
  logo: { enabled: false, location: "START" },
  lightMode: { background: { color: "ffffffff" }, borderColor: "e3e6ecff" },
  darkMode: { background: { color: "161920ff" }, borderColor: "272b35ff" },
};

const quietButton = {
  lightMode: {
    defaults: outlined("ffffffff", "c9cedbff", "14171fff"),
    hover: outlined("f1f3f7ff", "c9cedbff", "14171fff"),
  },
  darkMode: {
    defaults: outlined("161920ff", "3a404eff", "eef0f5ff"),
    hover: outlined("20242eff", "3a404eff", "eef0f5ff"),
  },
};

const components = {
  alert: {
    borderRadius: 10,
    lightMode: { error: plain("fdf0efff", "f3cfccff") },
    darkMode: { error: plain("2b1a1bff", "55302fff") },
  },
  favicon: { enabledTypes: ["ICO", "SVG"] },
  form: {
    backgroundImage: { enabled: false },
    borderRadius: 16,
    lightMode: plain("ffffffff", "e3e6ecff"),
    darkMode: plain("161920ff", "272b35ff"),
    logo: { enabled: false, formInclusion: "IN", location: "START", position: "TOP" },
  },
  idpButton: {
    standard: {
      lightMode: { ...quietButton.lightMode, active: quietButton.lightMode.hover },
      darkMode: { ...quietButton.darkMode, active: quietButton.darkMode.hover },
    },
    custom: {},
  },
  pageBackground: {
    image: { enabled: false },
    lightMode: { color: "f5f6f8ff" },
    darkMode: { color: "0d0f14ff" },
  },
  pageFooter: bar,
  pageHeader: bar,
  pageText: {
    lightMode: { bodyColor: "14171fff", descriptionColor: "5a6072ff", headingColor: "14171fff" },
    darkMode: { bodyColor: "eef0f5ff", descriptionColor: "a3a9b8ff", headingColor: "eef0f5ff" },
  },
  phoneNumberSelector: { displayType: "TEXT" },
  primaryButton: {
    lightMode: {
      defaults: button("2f54d6ff", "ffffffff"),
      hover: button("2546baff", "ffffffff"),
      active: button("2546baff", "ffffffff"),
    },
    darkMode: {
      defaults: button("4668e8ff", "ffffffff"),
      hover: button("3d5ed8ff", "ffffffff"),
      active: button("3d5ed8ff", "ffffffff"),
    },
  },
  secondaryButton: quietButton,
};

export const defaultSettings: object = { categories, componentClasses, components };
