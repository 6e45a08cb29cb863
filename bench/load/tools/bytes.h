// Growing byte buffers, and the framing of PostgreSQL's messages in them (protocol-overview, "Messaging Overview").
#ifndef PROXYSUITE_BYTES_H
#define PROXYSUITE_BYTES_H

#include <stddef.h>
#include <stdint.h>

// Bytes that grow as they are added to. All zero is an empty one; whoever holds it frees it with bytes_free.
typedef struct
{
    unsigned char *data;
    size_t length;
    size_t capacity;
} Bytes;

// Ends the program with a message: these tools have nothing to fall back on without memory or a socket.
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

void bytes_put(Bytes *bytes, const void *data, size_t length);
void bytes_put_byte(Bytes *bytes, unsigned char value);
void bytes_put_int16(Bytes *bytes, uint16_t value);
void bytes_put_int32(Bytes *bytes, uint32_t value);
// With its terminating NUL.
void bytes_put_text(Bytes *bytes, const char *text);
// Drops the first bytes and moves the others down.
void bytes_drop(Bytes *bytes, size_t length);
void bytes_free(Bytes *bytes);

// Starts a message; type 0 starts a packet without a type, as the first one of a connection is. Answers the mark that message_end wants.
size_t message_begin(Bytes *bytes, char type);
// Writes the length that message_begin left open.
void message_end(Bytes *bytes, size_t mark);
// A whole message at once.
void message_put(Bytes *bytes, char type, const void *body, size_t length);

uint32_t read_int32(const unsigned char *at);

#endif
