// Opens WebSockets and counts the windows that come: as little work per frame as a client can do.
//
// receive PORT PATH SOCKETS FRAMES SECONDS STALLED SLOW EVERY_MS [MESSAGE]
//
// After the handshake each socket sends MESSAGE, if there is one, and is open when it is told that windows come live.
// The first STALLED sockets never read, the next SLOW
// ones read 1 kB a second. The others read until each has had FRAMES windows, or until SECONDS have passed.
// Where windows stop every EVERY_MS, those that a reading socket was not given are counted as gaps.
// Two lines of JSON come out: when all sockets are open, and at the end.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { HEAD = 128, HANDSHAKES_AT_ONCE = 128, CHUNK = 1 << 16 };

typedef struct {
    int fd;
    int shaken;            // the handshake is done
    int open;              // windows may come
    int counts;            // it reads what it can
    int newlines;          // of the end of the handshake's headers, so far
    unsigned char header[10];
    int header_size;
    uint64_t left;         // of the payload of this frame
    int in_payload;
    char head[HEAD + 1];   // how that payload begins
    int head_size;
    long windows;
    double stop;           // of the latest window, milliseconds
} Socket;

static int port, sockets, stalled, slow;
static long wanted, windows, gaps, frames, bytes, closed;
static const char *path, *message;
static Socket *all;
static int epoll;
static double first, last, every, open_at;
static float *delays;
static long delays_size, delays_room;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void start(Socket *s) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (s->fd < 0) fail("socket");
    if (connect(s->fd, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
    char request[512];
    int size = snprintf(request, sizeof request,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", path, port);
    if (send(s->fd, request, size, 0) != size) fail("handshake");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = s};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, s->fd, &event) < 0) fail("epoll_ctl");
}

static void greet(Socket *s) {
    if (!message) s->open = 1;
    if (!message) return;
    size_t size = strlen(message);
    unsigned char frame[4096 + 8] = {0x81, 0x80 | 126, size >> 8, size & 255};  // masked with zeros: as it is
    memcpy(frame + 8, message, size);
    if (send(s->fd, frame, size + 8, 0) < 0) fail("message");
}

// Returns 0 when the window is of the time before all sockets were open.
static int note_stop(Socket *s, double at) {
    const char *found = strstr(s->head, "\"stop\":");
    if (!found) return 1;
    double stop = atof(found + 7);
    if (every && stop < open_at) return 0;
    if (every && s->stop && stop > s->stop + every) gaps += (stop - s->stop) / every - 1;
    if (stop > s->stop) s->stop = stop;
    if (delays_size == delays_room) {
        delays_room = delays_room ? 2 * delays_room : 1 << 16;
        delays = realloc(delays, delays_room * sizeof *delays);
        if (!delays) fail("realloc");
    }
    delays[delays_size++] = at * 1e3 - stop;
    return 1;
}

static void answer_ping(Socket *s) {
    unsigned char pong[HEAD + 6] = {0x8a, 0x80 | s->head_size};
    memcpy(pong + 6, s->head, s->head_size);
    if (send(s->fd, pong, s->head_size + 6, MSG_NOSIGNAL) < 0) perror("pong");
}

static void end_frame(Socket *s, double at) {
    s->head[s->head_size] = 0;
    frames++;
    if (s->header[0] == 0x89) answer_ping(s);
    if (s->header[0] == 0x88 && !closed++)
        fprintf(stderr, "closed with %d %s\n", (unsigned char)s->head[0] << 8 | (unsigned char)s->head[1], s->head + 2);
    if (strncmp(s->head, "{\"type\":\"live\"", 14) == 0) s->open = 1;
    if (s->counts && strncmp(s->head, "{\"type\":\"window\"", 16) == 0 && note_stop(s, at)) {
        if (!windows++) first = at;
        last = at;
        s->windows++;
    }
    s->header_size = s->head_size = s->in_payload = 0;
}

static int whole_header(Socket *s) {
    if (s->header_size < 2) return 0;
    int length = s->header[1] & 127, size = length == 126 ? 4 : length == 127 ? 10 : 2;
    if (s->header_size < size) return 0;
    s->left = length;
    if (size > 2) {
        s->left = 0;
        for (int i = 2; i < size; i++) s->left = s->left << 8 | s->header[i];
    }
    return 1;
}

static void parse(Socket *s, const unsigned char *data, ssize_t size, double at) {
    while (size > 0) {
        if (!s->shaken) {
            s->newlines = *data == '\n' ? s->newlines + 1 : *data == '\r' ? s->newlines : 0;
            data++, size--;
            if (s->newlines == 2) s->shaken = 1, greet(s);
            continue;
        }
        if (!s->in_payload) {
            s->header[s->header_size++] = *data++;
            size--;
            if (!whole_header(s)) continue;
            s->in_payload = 1;
        }
        uint64_t part = s->left < (uint64_t)size ? s->left : (uint64_t)size;
        int kept = part < (uint64_t)(HEAD - s->head_size) ? (int)part : HEAD - s->head_size;
        memcpy(s->head + s->head_size, data, kept);
        s->head_size += kept;
        data += part, size -= part, s->left -= part;
        if (s->left == 0) end_frame(s, at);
    }
}

// Returns 0 when the socket is at its end.
static int read_once(Socket *s, size_t most) {
    static unsigned char buffer[CHUNK];
    ssize_t size = recv(s->fd, buffer, most, MSG_DONTWAIT);
    if (size < 0 && errno == EAGAIN) return 1;
    if (size <= 0) {
        epoll_ctl(epoll, EPOLL_CTL_DEL, s->fd, NULL);
        return 0;
    }
    bytes += size;
    parse(s, buffer, size, now());
    return 1;
}

static void open_all(void) {
    double began = now();
    int started = 0, opened = 0;
    struct epoll_event events[256];
    while (opened < sockets) {
        while (started < sockets && started - opened < HANDSHAKES_AT_ONCE) start(&all[started++]);
        int count = epoll_wait(epoll, events, 256, 10000);
        if (count <= 0) fail("no answer to handshakes");
        for (int i = 0; i < count; i++) {
            Socket *s = events[i].data.ptr;
            int was_open = s->open;
            if (!read_once(s, CHUNK)) fail("refused");
            if (s->open && !was_open) opened++;
        }
    }
    for (int i = 0; i < stalled + slow; i++) epoll_ctl(epoll, EPOLL_CTL_DEL, all[i].fd, NULL);
    // What came, and what stopped, while others were still opening is not counted.
    open_at = now() * 1e3;
    windows = frames = bytes = delays_size = gaps = 0;
    for (int i = 0; i < sockets; i++) all[i].windows = 0, all[i].stop = 0;
    printf("{\"opened\": %d, \"seconds\": %.4f}\n", opened, now() - began);
    fflush(stdout);
}

static void read_all(double seconds) {
    double began = now(), slow_at = began;
    long readers = sockets - stalled - slow;
    struct epoll_event events[256];
    while ((!wanted || windows < wanted * readers) && now() - began < seconds) {
        if (!windows && every && now() * 1e3 < open_at + 60e3) began = now(), frames = bytes = 0;
        int count = epoll_wait(epoll, events, 256, 100);
        for (int i = 0; i < count; i++) read_once(events[i].data.ptr, CHUNK);
        if (slow && now() - slow_at >= 1) {
            slow_at += 1;
            for (int i = stalled; i < stalled + slow; i++) read_once(&all[i], 1000);
        }
    }
}

static int by_size(const void *a, const void *b) {
    return (*(float *)a > *(float *)b) - (*(float *)a < *(float *)b);
}

int main(int argc, char **argv) {
    if (argc < 9) return 2;
    port = atoi(argv[1]), path = argv[2], sockets = atoi(argv[3]), wanted = atol(argv[4]);
    double seconds = atof(argv[5]);
    stalled = atoi(argv[6]), slow = atoi(argv[7]), every = atof(argv[8]), message = argc > 9 ? argv[9] : NULL;
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    epoll = epoll_create1(0);
    all = calloc(sockets, sizeof *all);
    if (epoll < 0 || !all) fail("start");
    for (int i = stalled + slow; i < sockets; i++) all[i].counts = 1;

    open_all();
    read_all(seconds);

    long least = -1;
    for (int i = stalled + slow; i < sockets; i++)
        if (least < 0 || all[i].windows < least) least = all[i].windows;
    qsort(delays, delays_size, sizeof *delays, by_size);
    printf("{\"windows\": %ld, \"least\": %ld, \"gaps\": %ld, \"frames\": %ld, \"bytes\": %ld, \"closed\": %ld, "
        "\"seconds\": %.6f", windows, least, gaps, frames, bytes, closed, last - first);
    if (delays_size)
        printf(", \"p50_ms\": %.2f, \"p99_ms\": %.2f, \"worst_ms\": %.2f", delays[delays_size / 2],
            delays[delays_size * 99 / 100], delays[delays_size - 1]);
    printf("}\n");
    return 0;
}
