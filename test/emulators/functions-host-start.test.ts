// The embedded Functions host's life: hooks, host.json, what stops a start, and how it ends.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { eventually, fixture, startHost, testKeys } from './functions-host-child.ts';

describe('a start fails with a message for the user', () => {
  it('that is the text of the error of an app file, verbatim and without a stack', async () => {
    const failure = await startHost(['http', 'broken/throws-at-load']).catch(String);

    expect(failure).toContain('ended with code 1 before it was ready');
    expect(failure).toContain(
      'The configuration has 2 problems:\n  cdns/0: unknown member "key"\n  sites: is missing\n(while loading ',
    );
    expect(failure).not.toMatch(/^\s+at /mu);
  });

  it('when an appStart hook fails', async () => {
    await expect(startHost(['broken/rejects-in-app-start'])).rejects.toThrow('the start hook said no');
  });

  it.each([
    'Function "writes-a-queue": the output binding type "queue" is not supported',
    'Function "reads-a-blob": the input binding type "blob" is not supported',
    'Function "reads-a-queue": the trigger type "queueTrigger" is not supported',
    'Function "is-retried": retry policies are not supported',
    'Function "has-a-bad-schedule": its schedule "@daily" must have six fields',
    'Function "has-a-bad-route": its route "a/{id:int}" has a part that the embedded host cannot match',
    'Function "takes-it-too": the route GET /api/same/{} is taken by function "takes-a-path"',
  ])('naming all that is not supported at once: %s', async (line) => {
    unsupported ??= startHost(['broken/unsupported-bindings']).then(String, String);

    expect(await unsupported).toContain(line);
  });
  let unsupported: Promise<string> | undefined;

  it('when a binding names an app setting that is missing', async () => {
    await expect(startHost(['timers'], { env: { EVERY_SECOND: undefined } })).rejects.toThrow(
      /Function "every-second": its timerTrigger names %EVERY_SECOND% \(schedule\), but there is no such app setting/u,
    );
  });

  it.each([
    ['nothing is registered', ['broken/no-functions'], [], 'No functions were registered'],
    ['HTTP streams are asked for', ['broken/http-streams'], [], 'HTTP streams'],
    ['no file matches', ['missing-*'], [], 'no file matches'],
    ['the port is none', ['http'], ['--port', '70000'], '--port 70000'],
    ['an option is unknown', ['http'], ['--prot', '1'], '--prot'],
    ['host.json is missing', ['http'], ['--host-json', fixture('missing.json')], '--host-json'],
    ['host.json is not JSON', ['http'], ['--host-json', fixture('http.ts')], 'is not JSON'],
  ])('when %s', async (_case, apps, args, message) => {
    await expect(startHost(apps, { args })).rejects.toThrow(message);
  });

  it('when the port is in use, saying how to choose another', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? String(address.port) : '';

    const start = startHost(['http'], { args: ['--port', port] });

    await expect(start).rejects.toThrow(new RegExp(`${port}.*in use.*--port`, 'u'));
    server.close();
  });

  it.each([
    ['not JSON', 'canary-secret'],
    ['not complete', JSON.stringify({ master: 'canary-secret' })],
  ])('when its keys are %s, without showing them', async (_case, keys) => {
    const failure = await startHost(['http'], { env: { FUNCTIONS_HOST_KEYS: keys } }).catch(String);

    expect(failure).toContain('FUNCTIONS_HOST_KEYS');
    expect(failure).not.toContain('canary');
  });
});

describe('hooks', () => {
  it('run around the app, around every invocation and on every log line', async () => {
    const host = await startHost(['hooks']);
    const textOf = async (name: string): Promise<string> => (await host.request(`/api/${name}`)).text();

    expect(await textOf('replaced')).toBe('from the hook');
    expect(await textOf('answered')).toBe('{"order":["before"]} null');
    expect(await textOf('mended')).toBe('mended');
    expect((await host.request('/api/stopped-before')).status).toBe(500);
    await host.request('/api/logged');
    await host.child.stop();

    expect(host.messages('console')).toEqual(['hook appStart', 'hook appTerminate start']);
    expect(host.messages('function-log')).toEqual(['dropped', 'make the hook throw']);
    expect(host.messages('invocation-failed')).toEqual([expect.stringContaining('stopped by a hook')]);
  });
});

describe('host.json', () => {
  it('sets the route prefix, the log levels and the time limit of a function', async () => {
    const host = await startHost(['http'], { args: ['--host-json', fixture('host.json')] });

    expect((await host.request('/v1/log')).status).toBe(200);
    expect((await host.request('/api/log')).status).toBe(404);
    expect((await host.request('/v1/hang')).status).toBe(500);
    await eventually(() => {
      expect(host.messages('function-log')).toHaveLength(3);
      expect(host.messages('invocation-failed').join()).toContain('exceeded the function timeout of 1 s');
    });
    expect(new Set(host.entries('invocation-started').map((entry) => entry['function']))).toEqual(
      new Set(['log']),
    );
    host.child.kill('SIGKILL');
    await host.child.exited;
  });
});

describe('the process', () => {
  it('makes keys of its own where none are given, and ends well on SIGTERM', async () => {
    const host = await startHost(['http'], { env: { FUNCTIONS_HOST_KEYS: undefined } });

    const response = await host.request(`/api/for-functions?code=${testKeys.default}`);

    expect(response.status).toBe(401);
    await host.child.stop();
    expect(await host.child.exited).toEqual({ code: 0, signal: null });
  });
});
