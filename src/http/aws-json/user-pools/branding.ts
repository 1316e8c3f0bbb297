/** Branding of a pool's pages: styles of managed login, and the CSS and logo of the classic hosted UI. */
import type { Ctx } from "../../../app.ts";
import { uiLogoPath } from "../../../domain/branding/appearance.ts";
import { setUiCustomization, uiCustomization } from "../../../domain/branding/classic.ts";
import {
  changeStyle,
  createStyle,
  mergedSettings,
  removeStyle,
  type StyleWithAssets,
  styleOf,
} from "../../../domain/branding/styles.ts";
import type { Asset } from "../../../store/branding.ts";
import type { UiCustomization } from "../../../store/ui-customizations.ts";
import type {
  AssetType,
  ManagedLoginBrandingType,
  UICustomizationType,
} from "../../../wire/generated/user-pools.types.ts";
import { baseOf } from "../../place.ts";
import { epochSeconds, type Handler } from "../operation.ts";

export const CreateManagedLoginBranding: Handler<"CreateManagedLoginBranding"> = async (ctx, input) => ({
  ManagedLoginBranding: brandingType(await createStyle(ctx, input)),
});

export const DescribeManagedLoginBranding: Handler<"DescribeManagedLoginBranding"> = async (ctx, input) => {
  const { UserPoolId, ManagedLoginBrandingId: styleId, ReturnMergedResources } = input;
  const found = await styleOf(ctx, UserPoolId, { styleId });
  return { ManagedLoginBranding: brandingType(found, ReturnMergedResources) };
};

export const DescribeManagedLoginBrandingByClient: Handler<"DescribeManagedLoginBrandingByClient"> = async (
  ctx,
  input,
) => {
  const { UserPoolId, ClientId: clientId, ReturnMergedResources } = input;
  const found = await styleOf(ctx, UserPoolId, { clientId });
  return { ManagedLoginBranding: brandingType(found, ReturnMergedResources) };
};

export const UpdateManagedLoginBranding: Handler<"UpdateManagedLoginBranding"> = async (ctx, input) => ({
  ManagedLoginBranding: brandingType(await changeStyle(ctx, input)),
});

export const DeleteManagedLoginBranding: Handler<"DeleteManagedLoginBranding"> = async (ctx, input) => {
  await removeStyle(ctx, input.UserPoolId, input.ManagedLoginBrandingId);
  return {};
};

export const SetUICustomization: Handler<"SetUICustomization"> = async (ctx, input) => ({
  UICustomization: await customizationType(ctx, await setUiCustomization(ctx, input)),
});

/** Answers empty, without an error, if nothing was set. */
export const GetUICustomization: Handler<"GetUICustomization"> = async (ctx, input) => {
  const found = await uiCustomization(ctx, input.UserPoolId, input.ClientId);
  return { UICustomization: found === undefined ? {} : await customizationType(ctx, found) };
};

function brandingType({ style, assets }: StyleWithAssets, merged = false): ManagedLoginBrandingType {
  return {
    ManagedLoginBrandingId: style.styleId,
    UserPoolId: style.poolId,
    UseCognitoProvidedValues: style.provided,
    Settings: merged ? mergedSettings(style) : style.settings,
    Assets: assets.map(assetType),
    CreationDate: epochSeconds(style.createdAt),
    LastModifiedDate: epochSeconds(style.updatedAt),
  };
}

function assetType(asset: Asset): AssetType {
  return {
    Category: asset.category as AssetType["Category"],
    ColorMode: asset.colorMode as AssetType["ColorMode"],
    Extension: asset.extension as AssetType["Extension"],
    Bytes: Buffer.from(asset.bytes).toString("base64"),
    ResourceId: asset.resourceId || undefined,
  };
}

async function customizationType(ctx: Ctx, customization: UiCustomization): Promise<UICustomizationType> {
  const { poolId, clientId } = customization;
  const path = await uiLogoPath(ctx, poolId, clientId);
  return {
    UserPoolId: poolId,
    ClientId: clientId,
    ImageUrl: path && `${baseOf(ctx, { id: poolId })}${path}`,
    CSS: customization.css,
    CSSVersion: customization.cssVersion,
    CreationDate: epochSeconds(customization.createdAt),
    LastModifiedDate: epochSeconds(customization.updatedAt),
  };
}
