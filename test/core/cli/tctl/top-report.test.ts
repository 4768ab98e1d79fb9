import assert from "node:assert/strict";
import { parseMetrics } from "../../../../core/cli/tctl/prometheus-text.js";
import { topPage } from "../../../../core/cli/tctl/top-report.js";
import { metricsUrl } from "../../../../core/cli/tctl/top.js";

const at = (seconds: number): Date => new Date(1_700_000_000_000 + seconds * 1000);
const cell = (text: string, name: string): string | undefined =>
  new RegExp(`^${name}\\s+(\\S.*?)\\s*$`, "m").exec(text)?.[1];

describe("tctl top", () => {
  it("reads metrics with labels, escapes and infinities, and passes over what is none", () => {
    const text = [
      "# HELP a what it is",
      'a{x="1",y="say \\"hi\\"\\\\\\n,}"} 2',
      "b 1.5e3 1700000000000",
      'c_bucket{le="+Inf"} +Inf',
      "<html>no metric</html>",
    ].join("\n");
    const { samples } = parseMetrics(text, at(0));
    assert.deepEqual(samples, [
      { name: "a", labels: { x: "1", y: 'say "hi"\\\n,}' }, value: 2 },
      { name: "b", labels: {}, value: 1500 },
      { name: "c_bucket", labels: { le: "+Inf" }, value: Infinity },
    ]);
  });

  it("counts rates from the report before, also where the daemon began anew", () => {
    const snapshot = (total: number, seconds: number) =>
      parseMetrics(`auth_generate_requests_total ${total}`, at(seconds));
    const rate = (before: number, now: number): string | undefined =>
      cell(
        topPage("1", { previous: snapshot(before, 0), current: snapshot(now, 5) }),
        "Cert Gen Requests/sec",
      );
    assert.equal(rate(10, 20), "2.0");
    assert.equal(rate(100, 5), "1.0");
    const first = topPage("1", { previous: undefined, current: snapshot(7, 0) });
    assert.equal(cell(first, "Cert Gen Requests/sec"), "-");
    assert.equal(cell(first, "Interactive Sessions"), "-");
  });

  it("tells percentiles by the buckets of a histogram", () => {
    const text = [
      'auth_generate_seconds_bucket{le="0.001"} 1',
      'auth_generate_seconds_bucket{le="0.002"} 9',
      'auth_generate_seconds_bucket{le="+Inf"} 10',
    ].join("\n");
    const page = topPage("1", { previous: undefined, current: parseMetrics(text, at(0)) });
    assert.equal(cell(page, "50%"), "2 ms");
    assert.equal(cell(page, "90%"), "2 ms");
    assert.equal(cell(page, "100%"), "longer");
  });

  it("ranks the requests to the backend and to the cache, and shows no control characters", () => {
    const text = [
      'backend_requests{component="backend",req="/roles/\\u001b[2J",range="false"} 3',
      'backend_requests{component="backend",req="/nodes",range="true"} 8',
      'backend_requests{component="cache",req="/users",range="true"} 5',
      'backend_requests{component="backend",req="/\u001b[2J",range="true"} 1',
    ].join("\n");
    const data = { previous: undefined, current: parseMetrics(text, at(0)) };
    assert.match(topPage("2", data), /8 +- +true +\/nodes[^]*3 +- +false +\/roles/);
    assert.doesNotMatch(topPage("2", data), /users|\u001b/);
    assert.match(topPage("3", data), /5 +- +true +\/users/);
  });

  it("takes addresses with and without a scheme", () => {
    assert.equal(metricsUrl("127.0.0.1:3434").href, "http://127.0.0.1:3434/metrics");
    assert.equal(metricsUrl("http://[::1]:3434/").href, "http://[::1]:3434/metrics");
    for (const bad of ["https://127.0.0.1:3434", "file:///etc/passwd", "http://", ""]) {
      assert.throws(() => metricsUrl(bad), /is no address of diagnostics; give http/, bad);
    }
  });
});
