/** What the pages of sign-in and sign-up show of other identity providers. */
import { html } from "hono/html";
import type { Theme } from "../../../domain/branding/theme.ts";
import { type Offers, offersOf, providerOfAddress } from "../../../domain/federation/offers.ts";
import type { ProviderButton } from "../../../store/identity-providers.ts";
import { providerIcon } from "../kit/brand.ts";
import { errorOf, field, form, type Problem, submit } from "../kit/fields.ts";
import { textOf } from "../kit/form.ts";
import type { Html } from "../kit/frame.ts";
import { type Icon, icon } from "../kit/icons.ts";
import { onwardPage } from "../kit/onward.ts";
import { linkTo, queryWith, type Visit } from "../kit/visit.ts";

/** The name of the field for the address whose domain leads to a provider. */
export const organizationField = "organization";

/** How a provider is called, and the classes and icon of its button. */
const looks: Readonly<
  Record<ProviderButton["type"], { readonly label?: string; readonly look: string; readonly icon: Icon }>
> = {
  Google: { label: "Google", look: "social google", icon: "google" },
  Facebook: { label: "Facebook", look: "social facebook", icon: "facebook" },
  LoginWithAmazon: { label: "Amazon", look: "social amazon", icon: "amazon" },
  SignInWithApple: { label: "Apple", look: "social apple", icon: "apple" },
  OIDC: { look: "plain", icon: "organization" },
  SAML: { look: "plain", icon: "organization" },
};

type Styling = Theme["federation"];
const unstyled: Styling = { order: [], first: true, icons: true, custom: [] };

export interface ProviderParts {
  readonly offers: Offers;
  /** The buttons, and the field for an address; empty if the client has none of them. */
  readonly shown: Html | "";
  /** Whether they come before the form of the pool's own users. */
  readonly first: boolean;
  /** Whether the buttons alone fill the window of a phone. */
  readonly fills: boolean;
}

/** More buttons leave no room for a field below them in the window of a phone. */
const FEW_BUTTONS = 4;

/** The providers of the visit's client. They are for authorization requests: other pages lead to no provider. */
export async function providerParts(visit: Visit, problem?: Problem): Promise<ProviderParts> {
  const { ctx, pool, client, request } = visit;
  const theme = (await visit.brand?.appearance())?.theme;
  const styling = theme?.federation ?? unstyled;
  const { order, first } = styling;
  const offers = await offersOf(ctx, { pool, client });
  if (!("responseType" in request)) return { offers, shown: "", first, fills: false };
  const buttons = await Promise.all(ordered(offers.buttons, order).map((one) => button(visit, one, styling)));
  const list = buttons.length === 0 ? "" : html`<div class="providers">${buttons}</div>`;
  const only = !offers.ownUsers && buttons.length === 0;
  const address = offers.byDomain ? addressForm(visit, { problem, only }) : "";
  const between = buttons.length > 0 && offers.byDomain ? divider(visit) : "";
  const isEmpty = buttons.length === 0 && !offers.byDomain;
  const fills = buttons.length > FEW_BUTTONS;
  return { offers, shown: isEmpty ? "" : html`${list}${between}${address}`, first, fills };
}

/** Sorts the buttons: first those that the branding names, in its order. */
function ordered(buttons: readonly ProviderButton[], order: readonly string[]): readonly ProviderButton[] {
  const rank = ({ name }: ProviderButton) => {
    const at = order.findIndex((one) => one.toLowerCase() === name.toLowerCase());
    return at === -1 ? order.length : at;
  };
  return buttons.toSorted((a, b) => rank(a) - rank(b));
}

async function button(visit: Visit, provider: ProviderButton, { icons, custom }: Styling): Promise<Html> {
  const { name, type } = provider;
  const { label = name, look, icon: drawn } = looks[type];
  const own = custom.find((one) => one.name.toLowerCase() === name.toLowerCase());
  const href = linkTo(
    { ...visit, query: queryWith(visit.query, { identity_provider: name }) },
    "/oauth2/authorize",
  );
  const shown = icons
    ? ((await providerIcon(visit, { name, isPlain: look === "plain" })) ?? icon(drawn))
    : "";
  const classes = own === undefined ? look : `plain ${own.look}`;
  return html`<a class="button quiet provider ${classes}" href="${href}">${shown}<span>${visit.words.signIn.through(label)}</span></a>`;
}

/** The field for an address at an organization. @param only whether there is no other way to sign in */
function addressForm(
  visit: Visit,
  { problem, only }: { readonly problem: Problem | undefined; readonly only: boolean },
): Html {
  const { words } = visit;
  const next = words.common.continue;
  const inside = html`${field(visit, {
    name: organizationField,
    label: words.signIn.workEmail,
    type: "email",
    value: textOf(visit.form, organizationField),
    autocomplete: "email",
    error: errorOf(problem, organizationField),
    focus: only && problem === undefined,
  })}${only ? submit(next) : html`<button class="quiet">${next}</button>`}`;
  return form(visit, "/login", inside, "organization");
}

/** Between two ways to sign in. */
export function divider({ words }: Pick<Visit, "words">): Html {
  return html`<p class="or">${words.signIn.or}</p>`;
}

/** Takes the browser to the provider of the typed address; undefined if no provider of the client has its domain. */
export async function toOrganization(visit: Visit): Promise<Response | undefined> {
  const { ctx, c, pool, client, query } = visit;
  const address = textOf(visit.form, organizationField);
  const name = await providerOfAddress(ctx, { pool, client }, address);
  if (name === undefined) return undefined;
  const asked = queryWith(query, { identity_provider: name, login_hint: address.slice(0, 256) });
  return onwardPage(c, linkTo({ ...visit, query: asked }, "/oauth2/authorize"));
}
