#include "progress.h"

#include "std.h"

#include <stdio.h>
#include <string.h>

/** Seconds over which the rate is smoothed. */
#define SMOOTHING 3.0

void progress_init(struct progress *progress) {
	double t = now();
	*progress = (struct progress) {.start = t, .last_time = t};
}

void counters_sum(struct counters *sum, const struct counters *counters, unsigned count) {
	memset(sum, 0, sizeof(*sum));
	for (unsigned i = 0; i < count; ++i) {
		counter_add(&sum->bytes, counter_get(&counters[i].bytes));
		counter_add(&sum->files, counter_get(&counters[i].files));
		counter_add(&sum->clones, counter_get(&counters[i].clones));
		counter_add(&sum->cached, counter_get(&counters[i].cached));
		counter_add(&sum->streams, counter_get(&counters[i].streams));
		counter_add(&sum->shared, counter_get(&counters[i].shared));
	}
}

/** Write a number of bytes for people: "512 B", "1.5 MiB". */
static void format_bytes(char *text, size_t size, double bytes) {
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	size_t unit = 0;
	while (bytes >= 1000 && unit + 1 < countof(units)) {
		bytes /= 1024;
		++unit;
	}
	snprintf(text, size, "%.*f %s", unit > 0 && bytes < 100 ? 1 : 0, bytes, units[unit]);
}

/** Write seconds as 1:02:03 or 2:03. */
static void format_time(char *text, size_t size, double seconds) {
	unsigned long s = (unsigned long)(seconds + 0.5);
	if (s >= 3600) {
		snprintf(text, size, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
	} else {
		snprintf(text, size, "%lu:%02lu", s / 60, s % 60);
	}
}

/** Update the smoothed rate. */
static void measure(struct progress *progress, uint64_t bytes) {
	double t = now();
	double dt = t - progress->last_time;
	if (dt < 0.05) {
		return;
	}
	double current = (double)(bytes - progress->last_bytes) / dt;
	double weight = dt / (dt + SMOOTHING);
	if (progress->rate == 0) {
		weight = 1;
	}
	progress->rate += (current - progress->rate) * weight;
	progress->last_time = t;
	progress->last_bytes = bytes;
}

void progress_line(struct progress *progress, const struct counters *sum, const struct totals *totals, unsigned columns,
	bool last, char *line, size_t size)
{
	char done[32];
	char all[48] = "";
	char rate[32];
	char files[64];
	char time[32];
	char left[48] = "counting";
	char percent[16] = "";
	uint64_t bytes = counter_get(&sum->bytes);

	measure(progress, bytes);
	double elapsed = now() - progress->start;
	double shown_rate = last && elapsed > 0 ? (double)bytes / elapsed : progress->rate;
	format_bytes(done, sizeof(done), (double)bytes);
	format_bytes(rate, sizeof(rate), shown_rate);
	snprintf(files, sizeof(files), "%llu files", (unsigned long long)counter_get(&sum->files));

	uint64_t total = last ? bytes : totals->bytes;
	if (last || (totals->final && total > 0)) {
		double share = total > 0 ? min((double)bytes / (double)total, 1.0) : 1.0;
		char text[32];
		snprintf(percent, sizeof(percent), "%3.0f%%  ", share * 100 - (share < 1 && share >= 0.995 ? 0.5 : 0));
		format_bytes(text, sizeof(text), (double)total);
		snprintf(all, sizeof(all), " of %s", text);
		if (!last) {
			snprintf(files, sizeof(files), "%llu of %llu files",
				(unsigned long long)counter_get(&sum->files), (unsigned long long)totals->files);
		}
	}
	if (last) {
		format_time(time, sizeof(time), elapsed);
		snprintf(left, sizeof(left), "%s in all", time);
	} else if (totals->final && progress->rate > 0 && total >= bytes) {
		format_time(time, sizeof(time), (double)(total - bytes) / progress->rate);
		snprintf(left, sizeof(left), "%s left", time);
	}
	snprintf(line, size, "%s%s%s  %s  %s/s  %s", percent, done, all, files, rate, left);
	// A line that wraps could not be taken back
	if (columns > 1 && strlen(line) >= columns) {
		line[min((size_t)columns - 1, size - 1)] = '\0';
	}
}
