// The order in which a request is judged. No document gives one: this is the inferred order of the
// emulator's specification, and the numbers are its steps. The first step that fails is the answer.
import type { ReceivedBody } from '../emulator/reply.ts';
import { refuse, type Refused } from './api-error.ts';
import { sameId, whyInactive, type Endpoints } from './endpoints.ts';
import { checkBody, type PurgeLists } from './purge-body.ts';
import type { Operation, Route } from './route.ts';
import type { ApiKey, Behaviour, Endpoint } from './settings.ts';
import { checkSignature, type SignedRequest } from './signature-check.ts';

/** A request that may be carried out. Only a quota can still refuse it (step 16). */
export type ApiCall =
  | {
      readonly operation: 'add-purge' | 'add-preload';
      readonly subscription: string;
      readonly endpoint: Endpoint;
      readonly lists: PurgeLists;
    }
  | {
      readonly operation: 'query-purge' | 'query-preload' | 'get-operation';
      readonly endpoint: Endpoint;
      readonly taskId: string;
    }
  | { readonly operation: 'get-endpoint' | 'get-traffic'; readonly endpoint: Endpoint }
  | { readonly operation: 'list-endpoints'; readonly subscription: string };

export interface World {
  readonly subscriptions: readonly string[];
  readonly keys: readonly ApiKey[];
  readonly endpoints: Endpoints;
}

/** Judges a request whose route is known (step 1). */
export function validateRequest(
  route: Route,
  request: SignedRequest,
  body: ReceivedBody,
  world: World,
  behaviour: Behaviour,
  now: Date,
): { readonly ok: true; readonly value: ApiCall } | Refused {
  // 2 to 9
  const signed = checkSignature(request, world.keys, behaviour, now);
  if (!signed.ok) return signed;

  // 10
  const subscription = world.subscriptions.find((known) => sameId(known, route.subscription));
  if (subscription === undefined) return refuse('SubscriptionNotFound', 'No such subscription.');
  if (!sameId(signed.value.subscription, subscription)) {
    return refuse('CredentialInvalid', 'The API key belongs to another subscription.');
  }

  // 11
  if (writes(route.operation) && signed.value.permission === 'read-only') {
    return refuse('PermissionDenied', 'The API key is read-only.');
  }

  // 12
  const apiVersion = new URLSearchParams(request.rawQuery).get('apiVersion') ?? '';
  if (apiVersion === '') return refuse('ParameterMissing', 'apiVersion is missing.');
  if (apiVersion !== '1.0') return refuse('ParameterInvalid', 'apiVersion must be 1.0.');
  if (route.operation === 'list-endpoints') {
    return { ok: true, value: { operation: route.operation, subscription } };
  }

  // 13
  const endpoint = world.endpoints.find(route.endpointId);
  if (endpoint === undefined) return refuse('EndpointNotFound', 'No such endpoint.');
  if (!sameId(endpoint.subscription, subscription)) {
    return refuse('EndpointDoesNotBelongToSubscription', 'The endpoint is in another subscription.');
  }
  const { operation, taskId } = route;
  switch (operation) {
    case 'get-endpoint':
    case 'get-traffic':
      return { ok: true, value: { operation, endpoint } };
    case 'query-purge':
    case 'query-preload':
    case 'get-operation':
      return { ok: true, value: { operation, endpoint, taskId } };
    case 'add-purge':
    case 'add-preload': {
      // An inactive endpoint can be looked at, but not be purged.
      const inactive = whyInactive(endpoint);
      if (inactive !== undefined) {
        return refuse('EndpointNotInActiveState', `The endpoint is not active: ${inactive}.`);
      }
      // 14 and 15
      const kind = operation === 'add-purge' ? 'purge' : 'preload';
      const lists = checkBody(body, kind, endpoint, world.endpoints, behaviour);
      if (!lists.ok) return lists;
      return { ok: true, value: { operation, subscription, endpoint, lists: lists.value } };
    }
  }
}

function writes(operation: Operation): boolean {
  return operation === 'add-purge' || operation === 'add-preload';
}
