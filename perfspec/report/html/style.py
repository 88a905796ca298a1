"""The style sheet: light and dark by the reader's setting, readable in print, no colour alone carries a meaning."""

__all__ = ["STYLE"]

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --paper: #fff; --panel: #f6f8fa; --edge: #d0d7de;
  --pass: #116329; --fail: #a40e26; --warn: #7d4e00; --unknown: #4b3a8c; --p50: #0969da; --p95: #bc4c00; --p99: #8250df;
  --sent: #57606a; --failed: #cf222e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9ba5b0; --paper: #0d1117; --panel: #161b22;
  --edge: #343b44; --pass: #4cc38a; --fail: #ff7b72; --warn: #e3b341; --unknown: #b9a4ff; --p50: #58a6ff;
  --p95: #f0883e;  --p99: #bc8cff; --sent: #9ba5b0; --failed: #ff7b72; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 76rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; } h3 { margin: 1.5rem 0 .5rem; }
p { margin: .4rem 0; } .soft, figcaption, caption { color: var(--soft); } a { color: var(--p50); }
.skip { position: absolute; left: -99rem; } .skip:focus { left: 1rem; background: var(--paper); padding: .5rem; }
.verdict { border: 1px solid var(--edge); border-left: .5rem solid var(--unknown); border-radius: .4rem; padding: 1rem;
  background: var(--panel); }
.verdict.pass { border-left-color: var(--pass); } .verdict.fail { border-left-color: var(--fail); }
.verdict > strong { font-size: 1.3rem; }
.mark { font-weight: 700; white-space: nowrap; color: var(--unknown); }
.mark.pass { color: var(--pass); } .mark.fail { color: var(--fail); } .mark.warn { color: var(--warn); }
.mark.soft { color: var(--soft); font-weight: 400; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; font-variant-numeric: tabular-nums; }
caption { text-align: left; } th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--edge);
  vertical-align: top; } th { font-weight: 600; } .n { text-align: right; white-space: nowrap; }
code, pre { font: .9em/1.45 ui-monospace, monospace; } td code { overflow-wrap: break-word; }
pre { background: var(--panel); border: 1px solid var(--edge); border-radius: .3rem; padding: .6rem; overflow-x: auto;
  white-space: pre-wrap; overflow-wrap: anywhere; max-height: 24rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); gap: 1rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 28rem), 1fr)); gap: 0 .8rem;
  align-items: start; }
figure { margin: 0; max-width: 34rem; } svg { width: 100%; height: auto; display: block; overflow: visible; }
svg text { font: 11px system-ui, sans-serif; fill: var(--soft); } .y { text-anchor: end; }
.x, .phase, .mark-text { text-anchor: middle; } .limit-text { text-anchor: end; }
svg .limit-text, svg .mark-text { fill: var(--ink); } .grid { stroke: var(--edge); stroke-width: 1; }
.judged { fill: var(--p50); fill-opacity: .05; stroke: var(--edge); }
.unjudged { fill: var(--soft); fill-opacity: .13; }
.line { fill: none; stroke-width: 1.6; stroke-linejoin: round; stroke: var(--sent); }
.line.p50 { stroke: var(--p50); } .line.p95 { stroke: var(--p95); stroke-width: 2.2; }
.line.p99 { stroke: var(--p99); stroke-dasharray: 4 2; } .line.failed { stroke: var(--failed); stroke-width: 2.2; }
.line.before { stroke: var(--soft); stroke-dasharray: 2 3; }
.limit { stroke: var(--ink); stroke-dasharray: 6 3; stroke-width: 1.2; }
.limit.broken { stroke: var(--fail); stroke-width: 2; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: .85rem; }
.key::before { content: ""; display: inline-block; width: 1.4rem; border-top: 3px solid var(--sent);
  margin-right: .4rem; vertical-align: middle; }
.key.p50::before { border-color: var(--p50); } .key.p95::before { border-color: var(--p95); }
.key.p99::before { border-top: 3px dashed var(--p99); } .key.failed::before { border-color: var(--failed); }
.key.before::before { border-top: 3px dotted var(--soft); }
details { margin: .5rem 0; } summary { cursor: pointer; }
:focus-visible { outline: 3px solid var(--p50); outline-offset: 2px; }
@media (max-width: 40rem) { body { padding: .8rem; } td code { overflow-wrap: anywhere; } th, td { padding: .3rem; } }
@media print { :root { font-size: 11px; } body { max-width: none; padding: 0; font-size: 11px; }
  pre { max-height: none; } .charts > figure, table, .verdict { break-inside: avoid; }
  details:not([open]) > :not(summary) { display: none; } }
"""
