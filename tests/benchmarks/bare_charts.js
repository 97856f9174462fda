// What uPlot alone costs: as many charts of the same windows, each drawn whole at the frame after it has changed.
({ charts, lines, colors }) => {
  document.body.style.cssText = "margin:0;display:grid;grid-template-columns:repeat(3,1fr)";
  const series = [{}, ...colors.slice(0, lines).map((stroke) => ({ stroke, width: 1, points: { show: false } }))];
  const options = { width: 610, height: 184, ms: 1, legend: { show: false }, cursor: { show: false }, series };
  const all = Array.from({ length: charts }, () => {
    const data = series.map(() => []);
    const scales = { x: { auto: false, range: (_, from, to) => [from, to] } };
    return { data, isDirty: false, plot: new uPlot({ ...options, scales }, data, document.body) };
  });
  const plans = {};
  const put = (plan, { stop, rows }) => {
    const chart = plans[plan];
    const known = chart.data[0].lastIndexOf(stop);
    const index = known < 0 ? chart.data[0].length : known;
    chart.data.forEach((column, line) => (column[index] = line === 0 ? stop : (rows[line - 1]?.[1] ?? null)));
    if (index === 600) for (const column of chart.data) column.shift();
    chart.isDirty = true;
  };
  const socket = new WebSocket(`${location.origin.replace("http", "ws")}/v1/live`);
  socket.onmessage = (event) => {
    const message = JSON.parse(event.data);
    if (message.type === "subscribed") plans[message.plan] = all[message.id];
    else if (message.type === "history") for (const window of message.windows) put(message.plan, window);
    else if (message.type === "window") put(message.plan, message);
    else if (message.type === "ready")
      for (let n = 0; n < charts; n += 1)
        socket.send(JSON.stringify({ type: "subscribe", id: String(n), stream: `m${n}`, history: "1m" }));
  };
  const frame = () => {
    requestAnimationFrame(frame);
    for (const chart of all.filter(({ isDirty }) => isDirty)) {
      const to = chart.data[0].at(-1);
      chart.isDirty = false;
      chart.plot.batch(() => {
        chart.plot.setData(chart.data, false);
        chart.plot.setScale("x", { min: to - 60_000, max: to });
        chart.plot.setScale("y", { min: -1, max: lines });
      });
    }
  };
  requestAnimationFrame(frame);
};
