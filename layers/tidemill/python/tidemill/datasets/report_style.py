"""How the page of an upload's report looks, on a telephone as on a wide screen, by day and by night."""

STYLE = """
:root { color-scheme: light dark; --ink: #1b2530; --soft: #566472; --line: #dfe5ec; --paper: #fff;
  --ground: #f4f6f9; --good: #17693f; --bad: #b02a12; --unsure: #7d5c00; --mark: #fdeee9;
  --good-tint: #e4f4ea; --bad-tint: #fbe6e0; --unsure-tint: #fbf0cf; --bar: #d4dbe3; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4eaf1; --soft: #9dabba; --line: #2c3743;
  --paper: #171e26; --ground: #0e1318; --good: #6dd39b; --bad: #ff9379; --unsure: #e8c25c;
  --mark: #3a231d; --good-tint: #14301f; --bad-tint: #3b1d16; --unsure-tint: #352a0c; --bar: #33404d; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1200px; margin: 0 auto; padding: 32px 24px 72px; }
h1 { font-size: 26px; line-height: 1.25; margin: 2px 0 0; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 40px 0 4px; } h3 { font-size: 15px; margin: 22px 0 6px; font-weight: 600; }
p { margin: 4px 0; } .soft { color: var(--soft); }
code, .mono { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
code { overflow-wrap: anywhere; }
a { color: inherit; text-underline-offset: 2px; }
.good { color: var(--good); } .bad { color: var(--bad); } .unsure { color: var(--unsure); }
.pill { display: inline-block; padding: 1px 10px; border-radius: 999px; font-size: 13px; font-weight: 600;
  white-space: nowrap; vertical-align: middle; }
.pill.good { background: var(--good-tint); } .pill.bad { background: var(--bad-tint); }
.pill.unsure { background: var(--unsure-tint); }
.verdict { margin: 20px 0 0; padding: 16px 20px; border-radius: 10px; border: 1px solid var(--line);
  border-left: 5px solid currentColor; background: var(--paper); }
.verdict > * { color: var(--ink); } .verdict .headline { font-size: 18px; font-weight: 600; }
.verdict ol { margin: 10px 0 0; padding-left: 22px; } .verdict li { margin: 5px 0; }
.verdict .next { margin-top: 12px; font-weight: 600; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px;
  margin: 16px 0 0; padding: 0; }
.tiles div { background: var(--paper); border: 1px solid var(--line); border-radius: 10px;
  padding: 10px 16px; }
.tiles dt { color: var(--soft); font-size: 13px; }
.tiles dd { margin: 0; font-size: 22px; font-weight: 600; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; background: var(--paper); border: 1px solid var(--line); border-radius: 10px;
  margin-top: 10px; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: 8px 14px; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child td, tr:last-child th { border-bottom: 0; } td { font-variant-numeric: tabular-nums; }
thead th { font-weight: 600; color: var(--soft); font-size: 13px; white-space: nowrap; }
.checks td:first-child, .checks td:last-child { min-width: 220px; } .checks td { min-width: 84px; }
.rows td, .rows th { white-space: nowrap; } td.mark, th.mark { background: var(--mark); }
.rows tbody td:first-child { position: sticky; left: 0; background: var(--paper); color: var(--soft); }
.share, .columns code, .columns td { white-space: nowrap; }
.columns td:first-child { position: sticky; left: 0; background: var(--paper); }
.bar { display: inline-block; width: 72px; height: 8px; margin-right: 8px; border-radius: 4px;
  background: var(--bar); overflow: hidden; vertical-align: middle; }
.bar i { display: block; height: 100%; background: var(--soft); }
.bar.bad i { background: var(--bad); } .bar.unsure i { background: var(--unsure); }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 6px 20px; margin: 12px 0 0; }
.facts dt { color: var(--soft); } .facts dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 560px) { main { padding: 20px 14px 48px; } h1 { font-size: 22px; }
  .verdict { padding: 12px 14px; } .tiles { grid-template-columns: 1fr 1fr; gap: 8px; }
  .facts { grid-template-columns: 1fr; gap: 0; } .facts dd { margin: 0 0 10px; }
  th, td { padding: 7px 10px; }
  .checks thead { display: none; } .checks tr { display: block; padding: 8px 12px;
    border-bottom: 1px solid var(--line); }
  .checks td { display: block; border: 0; padding: 2px 0; } .checks td:empty { display: none; }
  .means::before { content: "if it fails: "; color: var(--soft); } }
@media print { body { background: none; } .wide { overflow: visible; } }
"""
