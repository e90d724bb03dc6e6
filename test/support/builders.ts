// Domain values for tests: right ones by default, each test says only what matters to it.

import { EXACT_MATCHING, type Capabilities } from '../../src/lib/core/capabilities.ts';
import type { AffectedPath, BlobChange, BlobPath } from '../../src/lib/core/blob-change.ts';
import type { Joining, Stay } from '../../src/lib/core/backlog.ts';
import type { BufferMessage } from '../../src/lib/core/buffer-message.ts';
import { cdnUrl, SCHEMES, type Scheme } from '../../src/lib/core/cdn-url.ts';
import type { Claim, CoalescedTarget } from '../../src/lib/core/coalesce.ts';
import type {
  AzureChinaCdnConfiguration,
  AzureFrontDoorConfiguration,
  CdnConfiguration,
  Configuration,
  ConfiguredHost,
  RequestLimits,
} from '../../src/lib/core/configuration.ts';
import { instant } from '../../src/lib/core/instant.ts';
import type { PurgeAccepted, PurgeFailed, PurgeRefused } from '../../src/lib/core/purge-outcome.ts';
import type { OpenPurge } from '../../src/lib/core/purge-record.ts';
import { beginTracking } from '../../src/lib/core/purge-tracking.ts';
import type { LocatedTarget } from '../../src/lib/core/purge-plan.ts';
import type { BlobAsk, RequestPurge, RequestRecord, UrlAsk } from '../../src/lib/core/purge-request.ts';
import type { PurgeTarget } from '../../src/lib/core/purge-target.ts';
import type { QuotaPolicy, Units } from '../../src/lib/core/quota-ledger.ts';
import { mapToTargets, type MappingRule, type RuleHost } from '../../src/lib/core/url-mapping.ts';
import { START_AT } from './fake-clock.ts';

export const ACCOUNT = 'contoso';
const CONTAINER = 'media';
export const CDN = 'china';
export const HOST = 'www.example.cn';
export const ENDPOINT = 'aaaabbbb-cccc-dddd-eeee-ffff00001111';
export const OTHER_HOST = 'other.example.cn';
export const OTHER_ENDPOINT = 'aaaabbbb-cccc-dddd-eeee-ffff00002222';
export const SUBSCRIPTION = '11112222-3333-4444-5555-666677778888';
export const LIMITS: RequestLimits = { urlsPerRequest: 100, bytesPerRequest: 256 * 1024 };
export const CAPABILITIES: Capabilities = {
  hosts: 'in-url',
  purgesInFlight: undefined,
  pollPausesMs: [15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000],
};
/** The W3C's own example. */
export const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

type Provenance = Pick<BlobChange, 'account' | 'eventId' | 'eventAt' | 'eTag' | 'sequencer' | 'traceparent'>;

function provenance(parts: Partial<Provenance>): Provenance {
  return { account: ACCOUNT, eventId: 'event-1', eventAt: START_AT, ...parts };
}

export function aPath(name: string, container: string = CONTAINER): BlobPath {
  return { container, name };
}

/** A blob that was created or overwritten; with `kind`, deleted. */
export function aChange({
  name = 'a.txt',
  container = CONTAINER,
  kind = 'created',
  ...rest
}: Partial<Provenance> & {
  readonly name?: string;
  readonly container?: string;
  readonly kind?: 'created' | 'deleted';
} = {}): BlobChange {
  return { kind, blob: { container, name }, ...provenance(rest) };
}

/** A blob, or with `kind` a directory, that was renamed. */
export function aRename(
  from: BlobPath,
  to: BlobPath,
  {
    kind = 'renamed',
    ...rest
  }: Partial<Provenance> & { readonly kind?: 'renamed' | 'directory-renamed' } = {},
): BlobChange {
  return { kind, from, to, ...provenance(rest) };
}

export function aDirectoryDeletion(directory: BlobPath, rest: Partial<Provenance> = {}): BlobChange {
  return { kind: 'directory-deleted', directory, ...provenance(rest) };
}

export function anAffectedPath(name: string, parts: Partial<AffectedPath> = {}): AffectedPath {
  return { account: ACCOUNT, container: CONTAINER, name, extent: 'blob', ...parts };
}

export function aMessage(change: BlobChange = aChange(), failedAttempts = 0): BufferMessage {
  return { type: 'change', change, failedAttempts };
}

export function aRuleHost(parts: Partial<RuleHost> = {}): RuleHost {
  return { host: HOST, cdn: CDN, endpointId: ENDPOINT, ...parts };
}

/** Serves every blob of every container of the account on one host, under `/<container>/`. */
export function aRule(parts: Partial<MappingRule> = {}): MappingRule {
  return {
    site: 'www',
    path: 'sites.www.containers[0]',
    account: ACCOUNT,
    matchesContainer: () => true,
    servedUnder: undefined,
    strip: '',
    includes: () => true,
    excludes: () => false,
    excludesTree: () => false,
    indexDocuments: [],
    indexWithoutSlash: false,
    hosts: [aRuleHost()],
    schemes: ['http'],
    spellings: ['link'],
    ...parts,
  };
}

export function aCdn(parts: Partial<AzureChinaCdnConfiguration> = {}): AzureChinaCdnConfiguration {
  return {
    provider: 'azure-china-cdn',
    name: CDN,
    subscriptionId: SUBSCRIPTION,
    keySettings: { id: 'CDN_KEY_ID', value: 'CDN_KEY_VALUE' },
    apiBaseUrl: 'https://restapi.cdn.azure.cn',
    limits: LIMITS,
    matching: EXACT_MATCHING,
    timeouts: { connectMs: 5_000, headersMs: 30_000, bodyMs: 30_000 },
    quota: aQuota(),
    ...parts,
  };
}

export function aFrontDoor(parts: Partial<AzureFrontDoorConfiguration> = {}): AzureFrontDoorConfiguration {
  return {
    provider: 'azure-front-door',
    name: 'front-door',
    subscriptionId: SUBSCRIPTION,
    resourceGroup: 'rg-web',
    profile: 'contoso',
    endpoint: 'www',
    armUrl: 'https://management.azure.com',
    apiVersion: '2024-09-01',
    identity: {
      kind: 'managed',
      clientId: undefined,
      authority: 'https://login.microsoftonline.com',
      audience: 'https://management.azure.com',
    },
    limits: LIMITS,
    purgesInFlight: 1,
    matching: { ignoresCase: true, ignoresQuery: true, ignoresScheme: true, reachesBelow: true },
    timeouts: { connectMs: 5_000, headersMs: 30_000, bodyMs: 30_000 },
    ...parts,
  };
}

/** The quota of the China CDN, reset at midnight UTC, with a tenth kept for people. */
export function aQuota({
  limits = { files: 2_000, directories: 500 },
  manualReserve = { files: 200, directories: 50 },
  ...parts
}: Partial<QuotaPolicy> & { readonly limits?: Units; readonly manualReserve?: Units } = {}): QuotaPolicy {
  return {
    budgets: [
      {
        perFile: 1,
        perDirectory: 0,
        limit: limits.files,
        per: 'day',
        keptForPeople: manualReserve.files,
      },
      {
        perFile: 0,
        perDirectory: 1,
        limit: limits.directories,
        per: 'day',
        keptForPeople: manualReserve.directories,
      },
    ],
    resetUtcOffsetHours: 0,
    resetMarginMs: 600_000,
    sites: new Map(),
    spentAfterThrottledMs: 15 * 60_000,
    probeEveryMs: 30 * 60_000,
    ...parts,
  };
}

/** The configuration that the rules make: their hosts, sites and accounts are what it knows. */
export function aConfiguration({
  rules = [aRule()],
  cdns = [aCdn()],
  accounts = [ACCOUNT],
}: {
  readonly rules?: readonly MappingRule[];
  readonly cdns?: readonly CdnConfiguration[];
  readonly accounts?: readonly string[];
} = {}): Configuration {
  const names = new Set(rules.flatMap(({ hosts }) => hosts.map(({ host }) => host)));
  return {
    cdns: new Map(cdns.map((cdn) => [cdn.name, cdn])),
    rules,
    accounts: new Set(accounts),
    hosts: new Map([...names].map((host) => [host, configuredHost(host, rules)])),
    sites: new Map(rules.map(({ site }) => [site, { name: site, priority: 50 }])),
  };
}

function configuredHost(name: string, rules: readonly MappingRule[]): ConfiguredHost {
  const using = rules.filter(({ hosts }) => hosts.some(({ host }) => host === name));
  const servedBy = new Map<string, ConfiguredHost['servedBy'][number]>();
  for (const { site, hosts } of using) {
    for (const { host, cdn, endpointId, matching } of hosts) {
      if (host === name && !servedBy.has(cdn)) servedBy.set(cdn, { cdn, endpointId, site, matching });
    }
  }
  return {
    host: name,
    servedBy: [...servedBy.values()],
    schemes: SCHEMES.filter((scheme) => using.some(({ schemes }) => schemes.includes(scheme))),
  };
}

/** A file, or by a path that ends with `/` a directory, on one endpoint. `path` is spelled already. */
export function aTarget(
  path = '/media/a.txt',
  {
    scheme = 'http',
    host = HOST,
    ...rest
  }: Partial<Omit<PurgeTarget, 'url'>> & { readonly scheme?: Scheme } = {},
): PurgeTarget {
  return {
    kind: path.endsWith('/') ? 'directory' : 'file',
    url: cdnUrl(scheme, host, path),
    cdn: CDN,
    host,
    endpointId: ENDPOINT,
    site: 'www',
    ...rest,
  };
}

export function aClaim<Owner>(target: PurgeTarget, owner: Owner): Claim<Owner> {
  return { target, owner };
}

export function aCoalesced<Owner>(target: PurgeTarget, ...owners: readonly Owner[]): CoalescedTarget<Owner> {
  return { target, claims: owners.map((owner) => ({ target, owner })), owners: new Set(owners) };
}

export function aLocated(path: string, endpointId: string = ENDPOINT): LocatedTarget<string> {
  return { ...aCoalesced(aTarget(path, { endpointId }), path), endpointId };
}

export function aUrlAsk(parts: Partial<UrlAsk> = {}): UrlAsk {
  return { by: 'url', files: [], directories: [], everything: false, ...parts };
}

export function aBlobAsk(parts: Partial<BlobAsk> = {}): BlobAsk {
  return {
    by: 'blob',
    account: ACCOUNT,
    container: CONTAINER,
    blobs: [],
    prefixes: [],
    everything: false,
    ...parts,
  };
}

export function anAcceptance(parts: Partial<PurgeAccepted> = {}): PurgeAccepted {
  return { kind: 'accepted', taskId: 'task-1', correlationId: 'correlation-1', ...parts };
}

export function aRefusal(parts: Partial<PurgeRefused> = {}): PurgeRefused {
  return {
    kind: 'refused',
    errorType: 'RequestThrottled',
    message: 'Too many requests.',
    status: 429,
    outcomeClass: 'throttled',
    retryAfterMs: undefined,
    correlationId: 'correlation-refused',
    ...parts,
  };
}

/** The CDN refuses one of the URLs. */
export function anItemRefusal(parts: Partial<PurgeRefused> = {}): PurgeRefused {
  return aRefusal({ outcomeClass: 'item-refused', errorType: 'ParameterInvalid', status: 400, ...parts });
}

export function aFailure(parts: Partial<PurgeFailed> = {}): PurgeFailed {
  return {
    kind: 'failed',
    reason: 'connection-lost',
    detail: 'the connection was reset',
    sent: true,
    outcomeClass: 'unknown',
    status: undefined,
    retryAfterMs: undefined,
    correlationId: undefined,
    ...parts,
  };
}

type JoiningTarget = Extract<Joining, { readonly type: 'target' }>;

/** A target of one change that failed once, due in ten seconds. */
export function aJoiningTarget(
  path: string,
  { eventId = 'event-1', ...parts }: Partial<JoiningTarget> & { readonly eventId?: string } = {},
): JoiningTarget {
  return {
    type: 'target',
    target: aTarget(path),
    changes: 1,
    causes: [{ type: 'change', eventId, eventAt: START_AT }],
    messages: [{ path, text: `text of ${eventId}` }],
    since: START_AT,
    ...aStay(),
    ...parts,
  };
}

type JoiningRequest = Extract<Joining, { readonly type: 'request' }>;

/** A request that failed once, due in ten seconds. */
export function aJoiningRequest(requestId: string, parts: Partial<JoiningRequest> = {}): JoiningRequest {
  return { type: 'request', requestId, since: START_AT, ...aStay(), ...parts };
}

export function aStay(parts: Partial<Stay> = {}): Stay {
  return { reason: 'transient', until: instant(START_AT + 10_000), failedAttempts: 1, ...parts };
}

/** A purge that the CDN has just accepted. */
export function aPurge(parts: Partial<OpenPurge> = {}): OpenPurge {
  const accepted = {
    id: '20240115-00000000-0000-4000-8000-000000000009',
    acceptedAt: START_AT,
    cdn: CDN,
    endpointId: ENDPOINT,
    files: ['http://www.example.cn/media/a.txt'],
    directories: [],
    taskId: 'task-1',
    correlationId: 'correlation-1',
    attempt: 1,
    causes: [],
  };
  return { ...beginTracking(accepted, CAPABILITIES.pollPausesMs, undefined), ...parts };
}

export function aRequest(parts: Partial<RequestRecord> = {}): RequestRecord {
  return {
    version: 2,
    id: 'request-1',
    origin: 'person',
    repurges: 0,
    state: 'waiting',
    askedAt: START_AT,
    ask: aUrlAsk(),
    targets: [],
    purges: [],
    ...parts,
  };
}

/** One accepted purge of a request. */
export function aRequestPurge(parts: Partial<RequestPurge> = {}): RequestPurge {
  const { id, acceptedAt, cdn, endpointId, taskId, files } = aPurge();
  return { id, acceptedAt, cdn, endpointId, taskId, state: 'accepted', urls: files, ...parts };
}

/** The URLs that rules make of a path, in order. */
export function urlsOf(path: AffectedPath, ...rules: readonly MappingRule[]): readonly string[] {
  return mapToTargets(path, rules).map(({ kind, url }) => (kind === 'directory' ? `${url} (all)` : url));
}
