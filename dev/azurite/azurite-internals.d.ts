// Types for the parts of Azurite that we load: it ships none. Checked against 3.37.0, which package.json pins.

interface AzuriteConfiguration {
  readonly host: string;
}

interface AzuriteExtentLocation {
  readonly locationId: string;
  readonly locationPath: string;
  readonly maxConcurrency: number;
}

type AzuriteConfigurationArguments = [
  host: string,
  port: number,
  keepAliveTimeoutSeconds: number,
  metadataFile: string,
  extentFile: string,
  extentLocations: AzuriteExtentLocation[],
  enableAccessLog: boolean,
  accessLogStream: undefined,
  enableDebugLog: boolean,
  debugLogFile: undefined,
  loose: boolean,
  skipApiVersionCheck: boolean,
  certFile: string,
  keyFile: string,
  certPassword: string,
  oauth: 'basic' | undefined,
  disableProductStyleUrl: boolean,
  inMemory: boolean,
];

interface AzuriteServer {
  start(): Promise<void>;
  close(): Promise<void>;
  /** `http://127.0.0.1:<the port it got>`, or `https:` with a certificate. */
  getHttpServerAddress(): string;
}

declare module 'azurite/dist/src/blob/BlobConfiguration.js' {
  const exported: { readonly default: new (...args: AzuriteConfigurationArguments) => AzuriteConfiguration };
  export = exported;
}
declare module 'azurite/dist/src/queue/QueueConfiguration.js' {
  const exported: { readonly default: new (...args: AzuriteConfigurationArguments) => AzuriteConfiguration };
  export = exported;
}
declare module 'azurite/dist/src/blob/BlobServer.js' {
  const exported: { readonly default: new (configuration: AzuriteConfiguration) => AzuriteServer };
  export = exported;
}
declare module 'azurite/dist/src/queue/QueueServer.js' {
  const exported: { readonly default: new (configuration: AzuriteConfiguration) => AzuriteServer };
  export = exported;
}
