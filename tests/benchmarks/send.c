// The limit: a server that does nothing but send() the same frame to every socket, round after round.
//
// send SOCKETS ROUNDS BYTES INTERVAL_US
//
// Prints its port, then, when all rounds are sent, a line of JSON.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static const char accepted[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static double processor_time(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int listen_anywhere(void) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 4096) < 0) fail("listen");
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

static int accept_one(int listener) {
    int fd = accept(listener, NULL, NULL), on = 1;
    if (fd < 0) fail("accept");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    char request[1024];
    size_t size = 0;
    while (size < 4 || memcmp(request + size - 4, "\r\n\r\n", 4)) {
        ssize_t part = recv(fd, request + size, sizeof request - size, 0);
        if (part <= 0) fail("handshake");
        size += part;
    }
    if (send(fd, accepted, sizeof accepted - 1, 0) < 0) fail("handshake");
    return fd;
}

static void make_frame(unsigned char *frame, int size) {
    frame[0] = 0x81, frame[1] = 126, frame[2] = (size - 4) >> 8, frame[3] = (size - 4) & 255;
    memset(frame + 4, 'x', size - 4);
    int written = snprintf((char *)frame + 4, size - 4, "{\"type\":\"window\",\"stop\":%.0f,", now() * 1e3);
    frame[4 + written] = 'x';
}

int main(int argc, char **argv) {
    if (argc < 5) return 2;
    int sockets = atoi(argv[1]), rounds = atoi(argv[2]), bytes = atoi(argv[3]), interval = atoi(argv[4]);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    int listener = listen_anywhere();
    int *fds = malloc(sockets * sizeof *fds);
    unsigned char *frame = malloc(bytes + 1);
    for (int i = 0; i < sockets; i++) fds[i] = accept_one(listener);
    usleep(200000);

    double began = now(), used = processor_time();
    for (int round = 0; round < rounds; round++) {
        double due = began + round * (interval / 1e6);
        if (due > now()) usleep((due - now()) * 1e6);
        make_frame(frame, bytes);
        for (int i = 0; i < sockets; i++)
            if (send(fds[i], frame, bytes, 0) != bytes) fail("send");
    }
    printf("{\"seconds\": %.6f, \"cpu_s\": %.6f}\n", now() - began, processor_time() - used);
    fflush(stdout);
    getchar();
    return 0;
}
