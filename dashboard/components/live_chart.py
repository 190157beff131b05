"""A Plotly chart that is updated in place, so that zoom survives. `st.plotly_chart` remounts on each tick."""

from __future__ import annotations

import plotly
import plotly.graph_objects as go
import streamlit as st

PLOTLY_URL = f"/assets/plotly-{plotly.__version__}.min.js"

# Constants only: this runs in the page itself. The figure arrives as data and is never code.
SCRIPT = """
const load = (url) => window.Plotly ? Promise.resolve() : (window.__stepladderPlotly ??=
  new Promise((done, failed) => {
    const script = document.createElement('script');
    script.src = url; script.onload = done;
    script.onerror = () => { window.__stepladderPlotly = undefined; failed(); };
    document.head.appendChild(script);
  }));
export default async function ({ data, parentElement }) {
  const place = parentElement.querySelector('.stepladder-chart');
  place.style.height = `${data.height}px`;
  try { await load(data.plotly); } catch { place.textContent = data.failed; return; }
  const figure = JSON.parse(data.figure);
  if (place.clientWidth < 500) {
    figure.layout.font.size = 10;
    figure.layout.margin.r = Math.min(figure.layout.margin.r, 62);
  }
  if (!place.dataset.updates) { place.textContent = ''; }
  await window.Plotly.react(place, figure.data, figure.layout,
    { responsive: true, scrollZoom: true, displaylogo: false,
      displayModeBar: place.clientWidth < 500 ? false : 'hover',
      modeBarButtons: [['zoom2d', 'pan2d', 'zoomIn2d', 'zoomOut2d', 'resetScale2d']] });
  place.dataset.updates = 1 + Number(place.dataset.updates || 0);
}
"""


def live_chart(figure: go.Figure, *, key: str, height: int = 440) -> None:
    """Draws `figure`; called again with the same key it changes the chart in place."""
    component = st.components.v2.component(
        "stepladder_live_chart",
        # The same text always: Streamlit warns when a component is defined anew with another one.
        html='<div class="stepladder-chart">Drawing the chart…</div>',
        js=SCRIPT,
        isolate_styles=False,
    )
    component(
        key=key,
        data={
            "figure": figure.to_json(),
            "plotly": PLOTLY_URL,
            "height": height,
            "failed": "The chart could not be loaded. Reload the page to try again.",
        },
        height=height,
    )
