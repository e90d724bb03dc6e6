// What an operator looks at when Event Grid could not deliver, by the outcome of its last attempt.

/** Takes Event Grid's word for how a delivery ended, gives what it means and what to check. */
export function deadLetterAdvice(outcome: string): string {
  return ADVICE.get(outcome) ?? UNKNOWN;
}

const UNKNOWN = 'Look at the subscription’s delivery metrics in the portal, and whether the app was running.';

const REFUSED =
  'The app refused Event Grid: make the event subscription anew so that it has the present key, and check the access restrictions and the authentication of the function app.';
const OVERLOADED =
  'The app did not keep up or was stopped: check that it runs, and its log of that time for slow starts and storage trouble.';
const UNREACHABLE =
  'Event Grid could not connect: check that the app runs, its host name, and the network restrictions of the function app.';
const REJECTED = 'The app answered that it cannot take the request: look for its errors at that time.';

/** learn.microsoft.com/azure/event-grid/delivery-and-retry names some; others were seen in dead letters. */
const ADVICE: ReadonlyMap<string, string> = new Map([
  [
    'NotFound',
    'The function was not there: check that the app is deployed with the function on-blob-changed, and that the event subscription names it.',
  ],
  ['Unauthorized', REFUSED],
  ['Forbidden', REFUSED],
  ['TimedOut', OVERLOADED],
  ['Busy', OVERLOADED],
  ['Full', OVERLOADED],
  ['ServiceUnavailable', OVERLOADED],
  ['InternalServerError', OVERLOADED],
  [
    'Probation',
    'Deliveries had failed before, so Event Grid did not even try: look at its earlier failures.',
  ],
  ['SocketError', UNREACHABLE],
  ['ResolutionError', UNREACHABLE],
  ['Disabled', 'The function is disabled: enable it.'],
  [
    'InvalidAzureFunctionDestination',
    'The event subscription names a function without an Event Grid trigger: point it at on-blob-changed.',
  ],
  ['BadRequest', REJECTED],
  ['RequestEntityTooLarge', REJECTED],
]);
