// What every answer of Azure Resource Manager to a purge means: the one table.
//
// The codes are those of the platform (learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors)
// and the ones that purges were seen to meet; which of them a purge can meet is not documented.

import type { OutcomeClass } from '../../core/outcome-class.ts';
import type { CallFailureReason } from '../../core/purge-outcome.ts';

/** `error.code`, in lower case. */
const BY_CODE: ReadonlyMap<string, OutcomeClass> = new Map<string, OutcomeClass>([
  ['expiredauthenticationtoken', 'credentials-refused'],
  ['invalidauthenticationtoken', 'credentials-refused'],
  ['invalidauthenticationtokenaudience', 'credentials-refused'],
  ['invalidauthenticationtokentenant', 'credentials-refused'],
  ['authenticationfailed', 'credentials-refused'],
  ['authorizationfailed', 'credentials-refused'],
  ['linkedauthorizationfailed', 'credentials-refused'],
  ['missingapiversionparameter', 'request-refused'],
  ['invalidapiversionparameter', 'request-refused'],
  ['noregisteredproviderfound', 'request-refused'],
  ['missingsubscriptionregistration', 'request-refused'],
  ['subscriptionnotfound', 'request-refused'],
  ['invalidsubscriptionid', 'request-refused'],
  ['readonlydisabledsubscription', 'request-refused'],
  ['requestdisallowedbypolicy', 'request-refused'],
  ['scopelocked', 'request-refused'],
  ['resourcegroupnotfound', 'endpoint-unusable'],
  ['resourcenotfound', 'endpoint-unusable'],
  ['parentresourcenotfound', 'endpoint-unusable'],
  // Locked by another operation, though the status may be that of throttling.
  ['conflict', 'transient'],
  ['anotheroperationinprogress', 'transient'],
  ['retryableerrorduetoanotheroperation', 'transient'],
  ['toomanyrequests', 'throttled'],
  ['subscriptionrequeststhrottled', 'throttled'],
  ['resourcerequeststhrottled', 'throttled'],
  ['gatewaytimeout', 'unknown'],
]);

/** Of what a request holds, and not of the request as such: github.com/Azure/azure-cli/issues/26025 */
const ABOUT_AN_ITEM = /\b(?:content\s*paths?|domains?)\b/iu;

/** Takes a refusal's code, status and words, gives its class; a code that is not known is judged by its status. */
export function classOfRefusal(code: string, status: number, message: string): OutcomeClass {
  const known = BY_CODE.get(code.toLowerCase());
  if (known !== undefined) return known;
  if (status === 400 && ABOUT_AN_ITEM.test(message)) return 'item-refused';
  return classOfStatus(status);
}

function classOfStatus(status: number): OutcomeClass {
  switch (status) {
    case 401:
    case 403:
      return 'credentials-refused';
    case 404:
      return 'endpoint-unusable';
    case 408:
    case 504:
      return 'unknown';
    case 409:
      return 'transient';
    case 429:
      return 'throttled';
    default:
      return status >= 500 ? 'transient' : 'request-refused';
  }
}

/** Takes why there was no usable answer, and the status if one came, gives its class. */
export function classOfFailure(reason: CallFailureReason, status: number | undefined): OutcomeClass {
  switch (reason) {
    case 'could-not-connect':
      return 'transient';
    case 'endpoint-not-found':
      return 'endpoint-unusable';
    case 'timed-out':
    case 'connection-lost':
      return 'unknown';
    case 'unreadable-answer':
      return classOfUnreadable(status);
  }
}

/** A page of a gateway, or of something else that is not the API. */
function classOfUnreadable(status = 0): OutcomeClass {
  if (status === 401 || status === 403) return 'credentials-refused';
  if (status === 429) return 'throttled';
  if (status === 503) return 'transient'; // turned away before the API saw it
  if ((status >= 300 && status < 400) || status === 404 || status === 405) return 'request-refused'; // not the API's address
  return 'unknown';
}
