/**
 * The settings of a style that says nothing, by the names that AWS's branding editor has for them ("Managed login
 * branding"). Colors are RRGGBBAA.
 */

const plain = (backgroundColor: string, borderColor: string) => ({ backgroundColor, borderColor });
const button = (backgroundColor: string, textColor: string) => ({ backgroundColor, textColor });
const outlined = (backgroundColor: string, borderColor: string, textColor: string) => ({
  backgroundColor,
  borderColor,
  textColor,
});
const status = (light: readonly [string, string, string], dark: readonly [string, string, string]) => {
  const mode = ([backgroundColor, borderColor, indicatorColor]: readonly [string, string, string]) => ({
    backgroundColor,
    borderColor,
    indicatorColor,
  });
  return { lightMode: mode(light), darkMode: mode(dark) };
};

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
    languageSelector: { enabled: false },
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
  buttons: { borderRadius: 8 },
  divider: { lightMode: { borderColor: "d5dbe3ff" }, darkMode: { borderColor: "2c3644ff" } },
  focusState: { lightMode: { borderColor: "1d5fd1ff" }, darkMode: { borderColor: "7fb2ffff" } },
  idpButtons: { icons: { enabled: true } },
  input: {
    borderRadius: 8,
    lightMode: { defaults: plain("ffffffff", "6b7787ff"), placeholderColor: "5a6675ff" },
    darkMode: { defaults: plain("141b26ff", "8592a3ff"), placeholderColor: "9fabbaff" },
  },
  inputDescription: { lightMode: { textColor: "4d5866ff" }, darkMode: { textColor: "aab5c3ff" } },
  inputLabel: { lightMode: { textColor: "141b26ff" }, darkMode: { textColor: "e6ebf2ff" } },
  link: {
    lightMode: { defaults: { textColor: "1d5fd1ff" }, hover: { textColor: "12479fff" } },
    darkMode: { defaults: { textColor: "7fb2ffff" }, hover: { textColor: "b0d0ffff" } },
  },
  optionControls: {
    lightMode: { defaults: plain("ffffffff", "6b7787ff"), selected: button("1d5fd1ff", "ffffffff") },
    darkMode: { defaults: plain("141b26ff", "8592a3ff"), selected: button("7fb2ffff", "0b1420ff") },
  },
  statusIndicator: {
    error: status(["fdf1f0ff", "b3261eff", "b3261eff"], ["2b1311ff", "ff8a80ff", "ff8a80ff"]),
    pending: { lightMode: { indicatorColor: "6b7787ff" }, darkMode: { indicatorColor: "9fabbaff" } },
    success: status(["eef8f1ff", "1b6e3cff", "1b6e3cff"], ["0f2418ff", "6fd198ff", "6fd198ff"]),
    warning: status(["fff8e8ff", "8a5a00ff", "8a5a00ff"], ["2a2008ff", "ffca66ff", "ffca66ff"]),
  },
};

const components = {
  alert: {
    borderRadius: 8,
    lightMode: { error: plain("fdf1f0ff", "b3261eff") },
    darkMode: { error: plain("2b1311ff", "ff8a80ff") },
  },
  favicon: { enabledTypes: ["ICO", "SVG"] },
  form: {
    backgroundImage: { enabled: false },
    borderRadius: 12,
    lightMode: plain("ffffffff", "d5dbe3ff"),
    darkMode: plain("0f1620ff", "2c3644ff"),
    logo: { enabled: false, formInclusion: "IN", location: "CENTER", position: "TOP" },
  },
  pageBackground: {
    image: { enabled: false },
    lightMode: { color: "f3f5f8ff" },
    darkMode: { color: "0a0f16ff" },
  },
  pageFooter: { backgroundImage: { enabled: false }, logo: { enabled: false, location: "START" } },
  pageHeader: { backgroundImage: { enabled: false }, logo: { enabled: false, location: "START" } },
  pageText: {
    lightMode: { bodyColor: "2f3945ff", descriptionColor: "2f3945ff", headingColor: "141b26ff" },
    darkMode: { bodyColor: "c8d1dcff", descriptionColor: "c8d1dcff", headingColor: "f2f5f9ff" },
  },
  phoneNumberSelector: { displayType: "TEXT" },
  primaryButton: {
    lightMode: { defaults: button("1d5fd1ff", "ffffffff"), hover: button("12479fff", "ffffffff") },
    darkMode: { defaults: button("7fb2ffff", "0b1420ff"), hover: button("b0d0ffff", "0b1420ff") },
  },
  secondaryButton: {
    lightMode: { defaults: outlined("ffffffff", "1d5fd1ff", "1d5fd1ff") },
    darkMode: { defaults: outlined("0f1620ff", "7fb2ffff", "7fb2ffff") },
  },
};

export const defaultSettings: object = { categories, componentClasses, components };
