/** The documentation's style sheet: system fonts, light and dark, nothing loaded. */
export const pageStyle = `
:root { color-scheme: light dark; --text: #1b2430; --soft: #5b6776; --line: #e2e7ee; --card: #fff; --page: #f6f8fb;
  --code: #f0f3f8; --accent: #0b63ce; --get: #0b63ce; --post: #0a7d4b; --put: #a65b00; --delete: #c02b34; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e9f0; --soft: #9aa7b6; --line: #2a3442; --card: #161d27;
  --page: #0e131a; --code: #1d2631; --accent: #6cb0ff; --get: #6cb0ff; --post: #4fd197; --put: #f0ab50; --delete: #ff7b83; } }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: 1rem; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { margin: 0; font: 15px/1.6 system-ui, sans-serif; color: var(--text); background: var(--page); }
.layout { display: grid; grid-template-columns: 19rem minmax(0, 1fr); max-width: 92rem; margin: 0 auto; }
nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1.5rem 1rem 3rem 1.5rem; border-right: 1px solid var(--line); }
nav h1 { font-size: 1.15rem; margin: 0 0 .25rem; letter-spacing: -.01em; }
nav h2 { font-size: .72rem; text-transform: uppercase; letter-spacing: .08em; color: var(--soft); margin: 1.5rem 0 .4rem; }
nav ul { list-style: none; margin: 0; padding: 0; }
nav li a { display: flex; gap: .5rem; align-items: baseline; padding: .18rem .4rem; border-radius: .35rem; color: var(--text); text-decoration: none; font-size: .86rem; }
nav li a:hover { background: var(--code); }
nav .method { font-size: .62rem; min-width: 2.6rem; }
main { padding: 2rem clamp(1rem, 3vw, 3rem) 6rem; min-width: 0; }
main > header h1 { font-size: 2rem; letter-spacing: -.02em; margin: 0; }
.version { color: var(--soft); font-size: .9rem; }
.tag { margin-top: 3rem; }
.tag > h2 { font-size: 1.35rem; margin: 0; text-transform: capitalize; letter-spacing: -.01em; }
.tag > p { color: var(--soft); margin: .2rem 0 0; }
article { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1.25rem 1.5rem; margin-top: 1.25rem; }
article h3 { margin: 0; font-size: 1.08rem; }
article h3 a { color: inherit; text-decoration: none; }
article h3 a:hover { text-decoration: underline; }
article h4 { font-size: .74rem; text-transform: uppercase; letter-spacing: .07em; color: var(--soft); margin: 1.1rem 0 .35rem; }
.address { display: flex; flex-wrap: wrap; gap: .6rem; align-items: baseline; margin: .35rem 0 .5rem; font: .92rem ui-monospace, monospace; overflow-wrap: anywhere; }
.method { font: 700 .78rem ui-monospace, monospace; text-transform: uppercase; }
.get { color: var(--get); } .post { color: var(--post); } .put { color: var(--put); } .delete { color: var(--delete); }
a { color: var(--accent); }
code { font: .9em ui-monospace, monospace; background: var(--code); padding: .1em .35em; border-radius: .3em; overflow-wrap: anywhere; }
pre { background: var(--code); border-radius: .5rem; padding: .8rem 1rem; overflow-x: auto; margin: .4rem 0; font: .82rem/1.55 ui-monospace, monospace; }
pre code { background: none; padding: 0; font: inherit; }
.note { color: var(--soft); }
dl { margin: 0; display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .3rem 1rem; }
dt { font: .88rem/1.7 ui-monospace, monospace; } dt small { color: var(--soft); } dd { margin: 0; }
details { margin: .3rem 0; } summary { cursor: pointer; } summary small { color: var(--soft); } summary .status { font: 700 .85rem ui-monospace, monospace; }
details p { margin: .3rem 0 .3rem 1.1rem; }
a:focus-visible, summary:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: .2rem; }
@media (max-width: 60rem) { .layout { display: block; } nav { position: static; height: auto; border-right: 0; border-bottom: 1px solid var(--line); }
  dl { grid-template-columns: 1fr; } article { padding: 1rem; } }
`;
