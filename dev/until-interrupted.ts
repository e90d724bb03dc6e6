// Keeps a command up until it is told to end.

/** Waits for Ctrl-C or SIGTERM, then stops what runs. A second Ctrl-C does not interrupt the stop. */
export async function untilInterrupted(stop: () => Promise<void>): Promise<void> {
  await new Promise<void>((resolve) => {
    process.on('SIGINT', resolve);
    process.on('SIGTERM', resolve);
  });
  console.log('\nStopping …');
  await stop();
  console.log('Stopped.');
  process.exit(0);
}
