"""The style sheet of drawings, for light and dark themes.

Every selector starts with the class of the root, because the style of an inline SVG applies to the
whole page. A page with its own theme switch can set the custom properties.
"""

from typing import Final

ROOT_CLASS: Final = "interlock-graph"

STYLE: Final = """
.interlock-graph {
  --surface: #ffffff; --rim: #e3e8ef; --ink: #0f172a; --muted: #5b687c; --line: #76849a;
  --node: #f8fafc; --node-rim: #c6d0dd; --accent: #4338ca; --on-accent: #ffffff;
  --open: #52627a; --in-progress: #b45309; --resolved: #15803d; --closed: #52627a;
  --assignee: #1e40af; --assignee-tint: #e0ebff;
  --requester: #86198f; --requester-tint: #fbe8ff;
  --any: #115e59; --any-tint: #d5f5f0;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", Arial, sans-serif;
}
@media (prefers-color-scheme: dark) {
  .interlock-graph {
    --surface: #10151d; --rim: #263040; --ink: #e8edf5; --muted: #9aa8bb; --line: #8090a6;
    --node: #1a2230; --node-rim: #3b485c; --accent: #a5b4fc; --on-accent: #161a3a;
    --open: #a3b1c6; --in-progress: #fbbf5c; --resolved: #5fd38a; --closed: #a3b1c6;
    --assignee: #b3ccff; --assignee-tint: #1b2d52;
    --requester: #f3b8fb; --requester-tint: #43204b;
    --any: #86e6d8; --any-tint: #123c3a;
  }
}
.interlock-graph .surface { fill: var(--surface); stroke: var(--rim); }
.interlock-graph .heading { fill: var(--ink); font-size: 20px; font-weight: 650; }
.interlock-graph .subheading { fill: var(--muted); font-size: 13px; }

.interlock-graph .node rect { fill: var(--node); stroke: var(--node-rim); stroke-width: 1.5; }
.interlock-graph .node text { fill: var(--ink); font-size: 13px; font-weight: 650; }
.interlock-graph .node .here { fill: var(--accent); font-size: 11px; font-weight: 500; }
.interlock-graph .current rect { stroke: var(--accent); stroke-width: 3; }
.interlock-graph .sign { fill: none; stroke: currentColor; stroke-width: 1.75; }
.interlock-graph .sign .solid { fill: currentColor; }
.interlock-graph .sign .knockout { stroke: var(--node); }
.interlock-graph .OPEN .sign { color: var(--open); }
.interlock-graph .IN_PROGRESS .sign { color: var(--in-progress); }
.interlock-graph .RESOLVED .sign { color: var(--resolved); }
.interlock-graph .CLOSED .sign { color: var(--closed); }

.interlock-graph .start circle { fill: var(--line); }
.interlock-graph .line { fill: none; stroke: var(--line); stroke-width: 1.75; }
.interlock-graph .halo { fill: none; stroke: var(--surface); stroke-width: 8; }
.interlock-graph .arrow { fill: var(--line); }
.interlock-graph .yours .line { stroke: var(--accent); stroke-width: 3; }
.interlock-graph .arrow-yours { fill: var(--accent); }

.interlock-graph .label rect { stroke: currentColor; stroke-opacity: 0.35; }
.interlock-graph .label text { fill: currentColor; font-size: 12px; font-weight: 600; }
.interlock-graph .label text { text-anchor: middle; }
.interlock-graph .tick { fill: none; stroke: currentColor; stroke-width: 2; }
.interlock-graph .assignee .label { color: var(--assignee); fill: var(--assignee-tint); }
.interlock-graph .requester .label { color: var(--requester); fill: var(--requester-tint); }
.interlock-graph .any .label { color: var(--any); fill: var(--any-tint); }
.interlock-graph .yours .label { color: var(--on-accent); fill: var(--accent); }

.interlock-graph.retired .line { stroke-dasharray: 5 5; }
.interlock-graph.retired .node rect { stroke-dasharray: 5 5; }
.interlock-graph.retired .label { color: var(--muted); fill: var(--surface); }
"""
