import { startAppInProcess } from './app-in-process.ts';
import { startLocalParts, readAcceptedPurges } from './local-parts.ts';
import { forEachLimited } from '../src/lib/use-cases/for-each-limited.ts';
import { instant } from '../src/lib/core/instant.ts';
const N = Number(process.argv[2] ?? 10000);
const parts = await startLocalParts();
try {
const app = await startAppInProcess(parts.settings);
for (let r = 0; r < 2; r++) {
  await forEachLimited(Array.from({ length: N }, (_, i) => i), 32, async (i) => { await app.services.buffer.add({ type: 'change', change: { kind: 'created', account: 'devstoreaccount1', blob: { container: 'downloads', name: `big-${i}.bin` }, eventId: String(i), eventAt: instant(Date.now()), traceparent: `00-${'ab'.repeat(16)}-${i.toString(16).padStart(16, '0')}-01` }, failedAttempts: 0 }); });
  let peak = 0; const timer = setInterval(() => { peak = Math.max(peak, process.getActiveResourcesInfo().filter((x) => x === 'TCPSocketWrap').length); }, 5);
  const t = performance.now(); const c = process.cpuUsage();
  await app.flush();
  const u = process.cpuUsage(c); clearInterval(timer);
  const ms = performance.now() - t;
  console.log({ N, ms: Math.round(ms), perSecond: Math.round(N * 1000 / ms), cpuUs: Math.round((u.user + u.system) / N), peakSockets: peak, purges: (await readAcceptedPurges(parts.cdnApiUrl)).length, rssMB: Math.round(process.memoryUsage().rss / 1e6) });
}
} finally { await parts.stop(); }
