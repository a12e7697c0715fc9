// What libsodium computes of fixed keys and messages.
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned char message[100000], out[sizeof message + 64], back[sizeof message + 64];

static void show(const char *what, const unsigned char *bytes, size_t size) {
    char hex[2 * crypto_hash_sha512_BYTES + 1];
    printf("%-12s %s\n", what, sodium_bin2hex(hex, sizeof hex, bytes, size));
}

static void digest(const char *what, const unsigned char *bytes, size_t size) {
    unsigned char hash[32];
    crypto_generichash(hash, sizeof hash, bytes, size, NULL, 0);
    show(what, hash, sizeof hash);
}

static void check(int ok, const char *what) {
    if (!ok) {
        printf("%s failed\n", what);
        exit(1);
    }
}

int main(void) {
    check(sodium_init() >= 0, "sodium_init");
    printf("libsodium %s\n", sodium_version_string());
    unsigned char key[32], nonce[24], seed[32], hash[64];
    for (int i = 0; i < 32; i++) key[i] = i, seed[i] = 255 - i, nonce[i % 24] = 3 * i;
    randombytes_buf_deterministic(message, sizeof message, seed);
    digest("chacha20", message, sizeof message);
    crypto_hash_sha256(hash, (const unsigned char *)"abc", 3);
    show("sha256 abc", hash, 32);
    crypto_hash_sha512(hash, message, sizeof message);
    show("sha512", hash, 64);
    crypto_shorthash(hash, message, 1001, key);
    show("siphash", hash, 8);
    crypto_onetimeauth(hash, message, sizeof message, key);
    show("poly1305", hash, 16);
    crypto_stream_salsa20_xor(out, message, sizeof message, nonce, key);
    digest("salsa20", out, sizeof message);
    crypto_stream_xsalsa20_xor(out, message, sizeof message, nonce, key);
    digest("xsalsa20", out, sizeof message);

    crypto_secretbox_easy(out, message, sizeof message, nonce, key);
    digest("secretbox", out, sizeof message + crypto_secretbox_MACBYTES);
    check(!crypto_secretbox_open_easy(back, out, sizeof message + crypto_secretbox_MACBYTES, nonce, key), "secretbox open");
    check(!memcmp(back, message, sizeof message), "secretbox round trip");
    out[500] ^= 1;
    check(crypto_secretbox_open_easy(back, out, sizeof message + crypto_secretbox_MACBYTES, nonce, key), "forgery detection");

    unsigned long long size;
    crypto_aead_xchacha20poly1305_ietf_encrypt(out, &size, message, sizeof message, seed, 32, NULL, nonce, key);
    digest("aead", out, size);

    unsigned char public[32], secret[32], shared[32];
    memcpy(secret, key, 32);
    for (int i = 0; i < 20; i++) {
        crypto_scalarmult_base(public, secret);
        check(!crypto_scalarmult(shared, secret, public), "scalarmult");
        memcpy(secret, shared, 32);
    }
    show("x25519", shared, 32);

    unsigned char sign_public[32], sign_secret[64], signature[64];
    crypto_sign_seed_keypair(sign_public, sign_secret, seed);
    crypto_sign_detached(signature, NULL, message, 5000, sign_secret);
    show("ed25519", signature, 64);
    check(!crypto_sign_verify_detached(signature, message, 5000, sign_public), "signature");
    signature[40] ^= 4;
    check(crypto_sign_verify_detached(signature, message, 5000, sign_public), "wrong signature");

    check(!crypto_pwhash(hash, 32, "correct horse", 13, key, 2, 8 << 20, crypto_pwhash_ALG_ARGON2ID13), "argon2");
    show("argon2id", hash, 32);
    check(!crypto_pwhash_scryptsalsa208sha256_ll((const unsigned char *)"pleaseletmein", 13, (const unsigned char *)"SodiumChloride",
                                                 14, 4096, 8, 1, hash, 64),
          "scrypt");
    show("scrypt", hash, 64);
    return 0;
}
