/** Charts of curves: a pointer or the arrow keys move a line across that reads out every curve. One tab stop a chart. */
import "./chart.css";
import { useMemo, useState } from "preact/hooks";
import { along } from "./cells.ts";
import { BOTTOM, type Drawing, drawing, HEIGHT, LEFT, type Line, nearest, path, place, reading, RIGHT, ticks, TOP, WIDTH } from "./curves.ts";
import { number } from "./numbers.ts";
import type { ChartData, ChartsView, Props } from "./spec.ts";

const LOOKS = 4;
const MOST_DOTS = 40;

export function Charts({ view }: Props<ChartsView>) {
  return (
    <div class="whence-charts">
      {view.charts.map((chart) => <Chart chart={chart} />)}
    </div>
  );
}

const lookOf = (line: Line, i: number) => (line.band ? "mean" : i % LOOKS);

function Chart({ chart }: { chart: ChartData }) {
  const drawn = useMemo(() => drawing(chart), [chart]);
  const [reached, reach] = useState(0);
  const [followed, follow] = useState(false);
  const { steps } = drawn;
  const x = followed ? steps[reached] : null;
  const said = drawn.lines.map((line) => `${line.name} ${reading(line, steps[reached])}`).join("; ");
  const move = (event: KeyboardEvent) => {
    const wanted = along(event, reached, steps.length, 1);
    if (wanted === null) return;
    follow(true);
    reach(wanted);
  };
  const point = (event: PointerEvent) => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    reach(nearest(drawn, ((event.clientX - box.left) / box.width) * WIDTH));
    follow(true);
  };
  return (
    <figure class="whence-figure">
      <figcaption>
        {chart.caption && <span class="whence-chart-name">{chart.caption}</span>}
        <span class="whence-quiet">{chart.up}</span>
      </figcaption>
      <div
        class="whence-charts-reader"
        role="slider"
        tabIndex={0}
        aria-label={`${chart.caption}, ${chart.up} over ${chart.across}`}
        aria-valuemin={0}
        aria-valuemax={steps.length - 1}
        aria-valuenow={reached}
        aria-valuetext={`${chart.across} ${number(steps[reached])}: ${said}`}
        onKeyDown={move}
        onFocus={() => follow(true)}
        onBlur={() => follow(false)}
        onPointerMove={point}
        onPointerDown={point}
        onPointerLeave={(event) => follow(event.currentTarget === document.activeElement)}
      >
        <Curves chart={chart} drawn={drawn} x={x} />
      </div>
      <p class="whence-charts-at">
        {x === null ? "point at it, or use ← →, to read it off" : `at ${chart.across} ${number(x)}`}
      </p>
      {drawn.lines.map((line, i) => (
        <p class="whence-key-line">
          <svg class="whence-sample" viewBox="0 0 28 10" aria-hidden="true">
            {line.band && <path class="whence-band" d="M0 0H28V10H0Z" />}
            <path class={`whence-line whence-line-${lookOf(line, i)}`} d="M0 5H28" />
          </svg>
          <span><bdi>{line.name}</bdi> <span class="whence-quiet whence-ends">{reading(line, x)}</span></span>
        </p>
      ))}
      {chart.note && <p class="whence-chart-note">{chart.note}</p>}
    </figure>
  );
}

function Curves({ chart, drawn, x }: { chart: ChartData; drawn: Drawing; x: number | null }) {
  const { lines, across, up } = drawn;
  return (
    <svg class="whence-chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      <path class="whence-axis" d={`M${LEFT} 6V${BOTTOM}H${RIGHT}`} />
      {ticks(up).map(({ at, text }) => (
        <text class="whence-tick" x={LEFT - 6} y={place(up, at) + 3.5} text-anchor="end">{text}</text>
      ))}
      {ticks(across).map(({ at, text }) => (
        <text class="whence-tick" x={place(across, at)} y={BOTTOM + 16} text-anchor="middle">{text}</text>
      ))}
      <text class="whence-tick" x={(LEFT + RIGHT) / 2} y={BOTTOM + 30} text-anchor="middle">{chart.across}</text>
      {lines.map(({ x: at, band }) => band && (
        <path class="whence-band" d={`${path(drawn, at, band[1])}L${path(drawn, [...at].reverse(), [...band[0]].reverse()).slice(1)}Z`} />
      ))}
      {x !== null && <path class="whence-charts-cross" d={`M${place(across, x)} ${TOP - 6}V${BOTTOM}`} />}
      {lines.map((line, i) => <path class={`whence-line whence-line-${lookOf(line, i)}`} d={path(drawn, line.x, line.y)} />)}
      {lines.map((line, i) => !line.band && line.x.length <= MOST_DOTS && (
        <path class={`whence-dots whence-dots-${lookOf(line, i)}`} d={line.x.map((one, j) => `M${place(across, one)} ${place(up, line.y[j])}h0`).join("")} />
      ))}
      {x !== null && lines.map((line, i) => line.x.includes(x) && (
        <circle class={`whence-charts-dot whence-line-${lookOf(line, i)}`} cx={place(across, x)} cy={place(up, line.y[line.x.indexOf(x)])} r="4.5" />
      ))}
    </svg>
  );
}
