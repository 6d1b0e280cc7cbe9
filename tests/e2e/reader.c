/* A program that consumes a Secret: over HTTP it tells the environment variable that it started with, and a file as it is now.
 * Usage: reader VARIABLE FILE */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void leave(int signal) { (void)signal; _exit(0); }

static void answer(int client, const char *variable, const char *path) {
    char request[4096], file[4096] = "", reply[16384];
    int from = open(path, O_RDONLY);
    ssize_t length = read(client, request, sizeof request);
    if (from >= 0) {
        length = read(from, file, sizeof file - 1);
        file[length > 0 ? length : 0] = 0;
        close(from);
    }
    length = snprintf(reply, sizeof reply, "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nvariable %s\nfile %s\n",
                      variable ? variable : "", file);
    if (write(client, reply, (size_t)length) != length) {
        perror("reader");
    }
}

int main(int count, char **words) {
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(8080)};
    int one = 1, server = socket(AF_INET, SOCK_STREAM, 0);
    signal(SIGTERM, leave);
    signal(SIGPIPE, SIG_IGN);
    if (count != 3 || setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) ||
        bind(server, (struct sockaddr *)&here, sizeof here) || listen(server, 16)) {
        perror("reader VARIABLE FILE");
        return 1;
    }
    for (;;) {
        int client = accept(server, NULL, NULL);
        if (client >= 0) {
            answer(client, getenv(words[1]), words[2]);
            close(client);
        }
    }
}
