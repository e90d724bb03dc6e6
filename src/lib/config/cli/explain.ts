// npm run explain -- ACCOUNT/CONTAINER/BLOB: every URL that is purged when the blob changes, or why none.

import { parseArgs } from 'node:util';
import type { AffectedPath } from '../../core/blob-change.ts';
import type { BlobNameFault } from '../../core/blob-name.ts';
import { DEFAULT_RECORDS_CONTAINER } from '../environment.ts';
import type { MappedTarget, NoTargetReason } from '../../core/url-mapping.ts';
import { explainPath, purgedUrls, type ExplainedRule, type Explanation } from '../explain-path.ts';
import { EXIT, readConfigurationFile } from './read-configuration-file.ts';

const USAGE = `Usage: npm run explain -- ACCOUNT/CONTAINER/BLOB [--config FILE] [--directory] [--json]

The blob's name is taken as it is, slashes included, never percent-encoded. Put it in single quotes: $web.
--config FILE  the configuration document (default: the file that PURGE_CONFIG_FILE names, or purge.config.json)
--directory    the name is a directory that was renamed or deleted
--json         print one JSON object

PURGE_RECORDS_CONTAINER is read, too, where the app's records are not in their usual container, and
PURGE_DEAD_LETTER_CONTAINER where Event Grid's dead letters have one.`;

async function main(args: string[]): Promise<number> {
  const asked = parseAsk(args);
  if (asked === undefined) {
    console.error(USAGE);
    return EXIT.usage;
  }
  const read = await readConfigurationFile(asked.file);
  if (!read.ok) {
    console.error(read.message);
    return read.exitCode;
  }
  const explanation = explainPath(
    asked.path,
    read.configuration,
    asked.recordsContainer,
    asked.deadLetterContainer,
  );
  console.log(
    asked.json
      ? JSON.stringify({ ...explanation, urls: purgedUrls(explanation) })
      : formatExplanation(explanation).join('\n'),
  );
  return EXIT.ok;
}

type Ask = {
  readonly path: AffectedPath;
  readonly file: string;
  readonly recordsContainer: string;
  readonly deadLetterContainer: string | undefined;
  readonly json: boolean;
};

function parseAsk(args: string[]): Ask | undefined {
  try {
    const { positionals, values } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        config: { type: 'string' },
        directory: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    });
    const [text = '', ...more] = positionals;
    const { account, container, name } =
      /^(?<account>[^/]+)\/(?<container>[^/]+)\/(?<name>.+)$/su.exec(text)?.groups ?? {};
    if (more.length > 0 || account === undefined || container === undefined || name === undefined) {
      return undefined;
    }
    const {
      PURGE_CONFIG_FILE: file,
      PURGE_RECORDS_CONTAINER: recordsContainer = '',
      PURGE_DEAD_LETTER_CONTAINER: deadLetterContainer,
      // oxlint-disable-next-line node/no-process-env -- a command is its own composition root
    } = process.env;
    return {
      path: { account, container, name, extent: values.directory ? 'directory' : 'blob' },
      file: values.config ?? file ?? 'purge.config.json',
      recordsContainer: recordsContainer === '' ? DEFAULT_RECORDS_CONTAINER : recordsContainer,
      deadLetterContainer,
      json: values.json,
    };
  } catch {
    return undefined; // an unknown option: the usage says what is known
  }
}

function formatExplanation(explanation: Explanation): string[] {
  const { path, refused, accountConfigured, ownPlace, rules } = explanation;
  const lines = [
    `${path.extent} ${JSON.stringify(path.name)} in container ${path.container} of account ${path.account}`,
  ];
  if (refused !== undefined) return [...lines, `Nothing is purged: the name ${NAME_FAULTS[refused]}.`];
  if (ownPlace === 'host') return [...lines, HOST_PLACE];
  for (const rule of rules) lines.push('', rule.rule, ...formatRule(rule));
  const urls = purgedUrls(explanation);
  lines.push('');
  if (!accountConfigured) {
    lines.push(
      `Nothing is purged: the configuration does not name the account, so its events are not believed.`,
    );
  } else if (urls.length === 0) lines.push('Nothing is purged: no rule serves it.');
  else
    lines.push(
      `${urls.length} ${urls.length === 1 ? 'URL' : 'URLs'} to purge, each counted by the quota of its CDN, if that has one.`,
    );
  if (ownPlace === 'records' && urls.length > 0) lines.push(RECORDS_PLACE);
  if (ownPlace === 'dead-letters' && urls.length > 0) lines.push(DEAD_LETTER_PLACE);
  return lines;
}

const HOST_PLACE =
  'Nothing is purged: in containers azure-webjobs-* the Functions host writes, and the app drops their events.';
const RECORDS_PLACE =
  'But the app never purges for its own records container: nothing, if the account is that of PURGE_STORAGE.';
const DEAD_LETTER_PLACE =
  'But the app never purges for the container of dead letters: nothing, if the account is that of PURGE_STORAGE.';

function formatRule({ none, targets }: ExplainedRule): string[] {
  if (none !== undefined) return [`  none: ${NO_TARGET_REASONS[none]}`];
  return targets.map((target) => {
    const on = `${target.cdn}, endpoint ${target.endpointId ?? 'found by its host'}`;
    const why = `${BECAUSE[target.because]}, spelling ${target.spelling}, on ${on}`;
    return `  ${target.url}\n    ${why}${target.sameAs === undefined ? '' : `; counted once with ${target.sameAs}`}`;
  });
}

const BECAUSE: Readonly<Record<MappedTarget['because'], string>> = {
  blob: 'the blob itself',
  directory: 'everything below the directory',
  'index-document': 'the directory that the index document answers for',
  'index-without-slash': 'that directory without its slash',
};

const NO_TARGET_REASONS: Readonly<Record<NoTargetReason, string>> = {
  'other-account': 'the rule is for another account',
  'other-container': 'the rule is for another container',
  'outside-strip-prefix': 'the name is outside the prefix that the rule strips',
  'not-included': 'the name matches no include pattern',
  excluded: 'an exclude pattern matches',
  'no-spelling': 'no spelling of the rule can write the name in a URL',
};

const NAME_FAULTS: Readonly<Record<BlobNameFault, string>> = {
  empty: 'is empty',
  'too-long': 'has more than 1,024 characters',
  'dot-segment': 'has a . or .. segment, which URL parsers fold away',
  'control-character': 'holds a control character',
  'lone-surrogate': 'holds half a character (a lone surrogate)',
  'replacement-character': 'holds U+FFFD: a character of it was destroyed on the way',
};

// Last, when all constants exist.
process.exitCode = await main(process.argv.slice(2));
