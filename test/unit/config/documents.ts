// Documents for the tests: a small right one, to be changed in one place at a time.

const SUBSCRIPTION = '11112222-3333-4444-5555-666677778888';

export const cdn = {
  provider: 'azure-china-cdn',
  subscription: SUBSCRIPTION,
  keys: { id: 'CDN_KEY_ID', value: 'CDN_KEY_VALUE' },
};

export const container = { account: 'contoso', container: 'media' };

export const site = { containers: [container], hosts: ['www.example.cn'], cdn: 'china' };

/** A right document, with some of its top-level parts replaced. */
export function aDocument(parts: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { cdns: { china: cdn }, sites: { www: site }, ...parts };
}

/** A right document whose one site has some parts replaced. */
export function aDocumentWithSite(parts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return aDocument({ sites: { www: { ...site, ...parts } } });
}

/** A right document whose one container entry has some parts replaced. */
export function aDocumentWithContainer(parts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return aDocumentWithSite({ containers: [{ ...container, ...parts }] });
}

/** A right document whose one CDN has some parts replaced. */
export function aDocumentWithCdn(parts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return aDocument({ cdns: { china: { ...cdn, ...parts } } });
}

export const frontDoor = {
  provider: 'azure-front-door',
  subscription: SUBSCRIPTION,
  resourceGroup: 'rg-web',
  profile: 'contoso',
  endpoint: 'www',
};

/** A right document whose one CDN is a Front Door profile, with some parts of that replaced. */
export function aFrontDoorDocument(
  parts: Readonly<Record<string, unknown>> = {},
  siteParts: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return {
    cdns: { 'front-door': { ...frontDoor, ...parts } },
    sites: { www: { ...site, cdn: 'front-door', ...siteParts } },
  };
}
