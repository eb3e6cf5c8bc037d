/** The page's style sheet: light and dark by the reader's setting, narrow screens, print. */

const LIGHT = `--surface:#fff;--raised:#f6f7f9;--ink:#1b2430;--muted:#5a6675;--grid:#dfe3e8;--first:#2a62c4;--second:#c2410c;
--good:#1a7f43;--bad:#b3261e;--warn:#8a5300;--bar:#dbe6fa;--focus:#2a62c4`;

const DARK = `--surface:#12161c;--raised:#1a2028;--ink:#e4e8ee;--muted:#9aa6b5;--grid:#303945;--first:#7aa7f7;--second:#f59e5b;
--good:#6fce93;--bad:#ff9a91;--warn:#f0b45c;--bar:#24385e;--focus:#a9c6ff`;

// A bar's length is a class, so that the page needs no inline styles and its security policy can forbid them.
const BARS = Array.from({ length: 21 }, (_, i) => `.bar-${i}{background-size:${i * 5}% 100%}`).join("");

export const STYLE = `
:root{${LIGHT};color-scheme:light dark}
@media screen and (prefers-color-scheme:dark){:root{${DARK}}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;scroll-padding-top:3.5rem;-webkit-text-size-adjust:100%}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;background:var(--surface);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
.page{max-width:1200px;margin:0 auto;padding:0 16px}
h1{font-size:1.45rem;line-height:1.25;margin:0;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:0 0 .4rem}
h3{font-size:1rem;margin:0 0 .3rem}
h4{font-size:.85rem;margin:0 0 .3rem;font-weight:600}
p{margin:0 0 .7rem;max-width:80ch}
a{color:var(--first)}
:focus-visible{outline:2px solid var(--focus);outline-offset:2px;border-radius:2px}
.muted,small,figcaption,caption{color:var(--muted)}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.skip{position:absolute;left:-999px;top:0;background:var(--surface);padding:8px 12px;z-index:2}
.skip:focus{left:8px}
header.page{padding-top:20px;padding-bottom:4px}
.kicker{margin:0;font-size:.8rem}
nav{position:sticky;top:0;z-index:1;background:var(--surface);border-bottom:1px solid var(--grid)}
nav ul{display:flex;gap:4px 18px;list-style:none;margin:0 auto;padding:9px 16px;overflow-x:auto;font-size:.87rem;white-space:nowrap;max-width:1200px}
nav a{text-decoration:none;color:var(--ink);display:inline-block}
nav a:hover{text-decoration:underline}
main>section{padding:22px 0;border-bottom:1px solid var(--grid)}
section,article,figure,div{min-width:0}
figure{margin:0}
footer{padding:16px 0 40px;font-size:.85rem}
svg.chart{display:block;max-width:100%;height:auto}
svg.chart text{font:11px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
.hero{display:flex;flex-wrap:wrap;gap:12px 40px;align-items:center}
.hero figcaption{font-size:.8rem}
.headline{display:flex;flex-direction:column;margin:0;flex:1 1 300px}
.headline .label{font-weight:600}
.headline strong{font-size:3.4rem;line-height:1.1;letter-spacing:-.02em;font-variant-numeric:tabular-nums}
.headline .interval{font-variant-numeric:tabular-nums}
.figures{display:grid;grid-template-columns:repeat(6,minmax(0,1fr));gap:1px;margin:18px 0;background:var(--grid);border:1px solid var(--grid);border-radius:6px;overflow:hidden}
.figures>div{background:var(--raised);padding:8px 12px}.figures>:nth-child(7){grid-column:1/-1}
.figures dt{font-size:.8rem;color:var(--muted)}
.figures dd{margin:0;font-size:1.15rem;font-weight:600;font-variant-numeric:tabular-nums}
.figures small{display:block;font-size:.78rem;font-weight:400;line-height:1.35}
.findings{display:grid;grid-template-columns:repeat(auto-fit,minmax(270px,1fr));gap:16px 32px}
.findings ul{margin:0;padding-left:1.1em}
.findings li{margin-bottom:.35rem;overflow-wrap:anywhere}
.scroll{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;font-size:.87rem;font-variant-numeric:tabular-nums;min-width:min(100%,560px)}
table[data-sortable]{width:100%}
caption{text-align:left;font-size:.8rem;padding-bottom:4px}
th,td{padding:4px 10px;text-align:right;border-bottom:1px solid var(--grid);white-space:nowrap}
th.text,td.text{text-align:left}
thead th{color:var(--muted);font-weight:600;border-bottom:2px solid var(--grid)}
tbody th{font-weight:600}
tbody tr:hover{background:var(--raised)}
th button{font:inherit;color:inherit;background:none;border:0;padding:0;cursor:pointer}
th button:hover{text-decoration:underline}
th[aria-sort=ascending] button::after{content:" \\2191"}
th[aria-sort=descending] button::after{content:" \\2193"}
.bar{display:inline-block;min-width:86px;padding:0 0 0 5px;background:linear-gradient(var(--bar),var(--bar)) no-repeat 0/0 100%;border-radius:2px}
${BARS}
.unsure{color:var(--muted)}
.badge{display:inline-block;color:var(--warn);border:1px solid currentColor;border-radius:3px;padding:0 5px;font-size:.8rem}
.card{display:grid;grid-template-columns:300px minmax(0,1fr);gap:4px 28px;padding:16px 0;border-top:1px solid var(--grid)}
.card header{grid-column:1/-1}
.card header h3{display:inline;margin-right:.6em;overflow-wrap:anywhere}
.card header p{display:inline;font-size:.87rem;color:var(--muted);font-variant-numeric:tabular-nums}
.gallery{margin-bottom:8px}
.gallery h4::before{content:"";display:inline-block;width:8px;height:8px;border-radius:50%;margin-right:6px;background:var(--good)}
.false-alarm h4::before{background:var(--bad)}
.miss h4::before{background:var(--warn)}
.pictures{display:grid;grid-template-columns:repeat(auto-fill,minmax(112px,1fr));gap:8px 12px;list-style:none;margin:0;padding:0}
.pictures li,.suspects>li{font-size:.75rem;line-height:1.35}
.pictures li{max-width:124px}
.pictures b,.changes b{font-variant-numeric:tabular-nums}
.pictures img,.pictures .no-picture{width:100%;height:auto;aspect-ratio:1}
.pictures img{margin-bottom:3px}
img{display:block;border-radius:3px;background:var(--raised)}
main img[role=button]{cursor:zoom-in}
.viewer{padding:12px;border:1px solid var(--grid);border-radius:6px;background:var(--surface);color:var(--ink);cursor:zoom-out}
.viewer::backdrop{background:rgb(0 0 0/.6)}
.viewer img{width:min(80vw,75vh,560px);height:auto}
.viewer p{margin:8px 0 0}
.no-picture{display:block;width:112px;height:112px;border:1px dashed var(--grid);border-radius:3px}
.name{overflow-wrap:anywhere}
.labels{display:block;color:var(--muted);overflow-wrap:anywhere}
.suspects{display:grid;grid-template-columns:repeat(auto-fill,minmax(260px,1fr));gap:14px 20px;list-style:none;margin:0;padding:0}
.suspects>li{display:grid;grid-template-columns:112px minmax(0,1fr);gap:10px;font-size:.82rem}
.changes{list-style:none;margin:3px 0 0;padding:0;display:flex;flex-wrap:wrap;gap:0 .7em}
.changes li{color:var(--muted);overflow-wrap:anywhere}
.changes .remove{color:var(--bad)}
.changes .add{color:var(--good)}
.changes ins{text-decoration:none}
.changes .add::before{content:"+ "}
.changes .remove::before{content:"\\2212\\a0"}
.side-by-side{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:16px 32px;align-items:start}
.side-by-side .scroll svg.chart{max-width:none}
.more{margin-top:14px}
.more summary{cursor:pointer;color:var(--first);width:fit-content;margin-bottom:14px}
.numbers{font-size:.85rem;margin-top:4px}
.numbers summary{cursor:pointer;color:var(--muted);width:fit-content}
.facts{display:grid;grid-template-columns:minmax(90px,auto) minmax(0,1fr);gap:2px 16px;margin:0 0 16px;font-size:.87rem}
.facts dt{color:var(--muted)}
.facts dd{margin:0;overflow-wrap:anywhere}
code{font:.92em ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
@media (max-width:900px){.figures{grid-template-columns:repeat(3,minmax(0,1fr))}}
@media screen and (max-width:820px){.card{grid-template-columns:minmax(0,1fr)}}
@media screen and (max-width:480px){.figures{grid-template-columns:repeat(2,minmax(0,1fr))}.pictures{grid-template-columns:repeat(3,minmax(0,1fr));gap:8px}.pictures li:nth-child(n+4){display:none}table{min-width:0}th{white-space:normal}thead th{vertical-align:bottom}table[data-sortable] tr>:first-child{min-width:10.9rem;overflow-wrap:anywhere;position:sticky;left:0;background:var(--surface);border-right:1px solid var(--grid)}.headline strong{font-size:2.8rem}}
@media print{nav,.skip,.numbers{display:none}body{font-size:9.5pt}a{color:inherit;text-decoration:none}.findings a{display:none}
.page{padding:0}.findings{grid-template-columns:repeat(3,minmax(0,1fr));gap:16px}.card{grid-template-columns:220px minmax(0,1fr)}
.card,figure,.figures,.suspects>li,.pictures li,tr{break-inside:avoid}h2,h3,h4{break-after:avoid}.scroll{overflow:visible}
table{font-size:8pt}th,td{padding:2px 5px;white-space:normal}.bar{min-width:56px}.pictures{grid-template-columns:repeat(6,minmax(0,1fr))}
.bar,.figures>div,.gallery h4::before,svg{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
`;
