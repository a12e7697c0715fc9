// libcrypto's ciphers, digests and arithmetic on fixed keys; each signature and agreement is checked by the other side.
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned char data[65536], out[sizeof data + 64], back[sizeof data + 64];

static void check(int ok, const char *what) {
    if (ok) return;
    printf("%s failed\n", what);
    ERR_print_errors_fp(stdout);
    exit(1);
}

static void show(const char *what, const unsigned char *bytes, size_t size) {
    printf("%-24s ", what);
    for (size_t i = 0; i < size; i++) printf("%02x", bytes[i]);
    puts("");
}

static void digest(const char *name, const void *bytes, size_t size, const char *what) {
    unsigned char hash[EVP_MAX_MD_SIZE];
    size_t length = sizeof hash;
    check(EVP_Q_digest(NULL, name, NULL, bytes, size, hash, &length), name);
    show(what, hash, length);
}

static void cipher(const char *name) {
    EVP_CIPHER *type = EVP_CIPHER_fetch(NULL, name, NULL);
    check(type != NULL, name);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    unsigned char key[64], iv[16];
    for (int i = 0; i < 64; i++) key[i] = 7 * i + 1, iv[i % 16] = 3 * i;
    int size, last, again;
    check(EVP_EncryptInit_ex2(context, type, key, iv, NULL), name);
    check(EVP_EncryptUpdate(context, out, &size, data, sizeof data), name);
    check(EVP_EncryptFinal_ex(context, out + size, &last), name);
    digest("SHA256", out, size + last, name);
    unsigned char tag[16];
    int aead = EVP_CIPHER_get_flags(type) & EVP_CIPH_FLAG_AEAD_CIPHER;
    if (aead) {
        check(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, tag), "tag");
        show("  tag", tag, 16);
    }
    check(EVP_DecryptInit_ex2(context, type, key, iv, NULL), name);
    if (aead) check(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, tag), "tag");
    check(EVP_DecryptUpdate(context, back, &again, out, size + last), name);
    check(EVP_DecryptFinal_ex(context, back + again, &last), name);
    check(again + last == sizeof data && !memcmp(back, data, sizeof data), "round trip");
    EVP_CIPHER_CTX_free(context);
    EVP_CIPHER_free(type);
}

static void sign(const char *what, EVP_PKEY *key, const char *hash, int deterministic) {
    check(key != NULL, what);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t size = sizeof out;
    check(EVP_DigestSignInit_ex(context, NULL, hash, NULL, NULL, key, NULL), what);
    check(EVP_DigestSign(context, out, &size, data, 5000), what);
    EVP_MD_CTX_reset(context);
    check(EVP_DigestVerifyInit_ex(context, NULL, hash, NULL, NULL, key, NULL), what);
    check(EVP_DigestVerify(context, out, size, data, 5000) == 1, what);
    data[77] ^= 1;
    EVP_MD_CTX_reset(context);
    check(EVP_DigestVerifyInit_ex(context, NULL, hash, NULL, NULL, key, NULL), what);
    check(EVP_DigestVerify(context, out, size, data, 5000) != 1, "a wrong signature");
    data[77] ^= 1;
    ERR_clear_error();
    if (deterministic) digest("SHA256", out, size, what);
    else printf("%-24s verified\n", what);
    EVP_MD_CTX_free(context);
}

static void arithmetic(void) {
    BN_CTX *context = BN_CTX_new();
    BIGNUM *p = BN_get_rfc3526_prime_2048(NULL), *a = BN_new(), *b = BN_new(), *r = BN_new();
    BN_bin2bn(data, 250, a);
    BN_bin2bn(data + 300, 240, b);
    check(BN_mod_exp(r, a, b, p, context), "mod_exp");
    char *text = BN_bn2hex(r);
    digest("SHA256", text, strlen(text), "mod_exp");
    OPENSSL_free(text);
    check(BN_mod_exp_mont_consttime(r, a, b, p, context, NULL), "mod_exp_mont_consttime");
    text = BN_bn2hex(r);
    digest("SHA256", text, strlen(text), "mod_exp constant time");
    OPENSSL_free(text);
    check(BN_mod_inverse(r, a, p, context) != NULL, "inverse");
    check(BN_mod_mul(r, r, a, p, context) && BN_is_one(r), "inverse");
    check(BN_check_prime(p, context, NULL) == 1, "prime");
    BN_free(p), BN_free(a), BN_free(b), BN_free(r);
    BN_CTX_free(context);
}

int main(void) {
    unsigned state = 1;
    for (size_t i = 0; i < sizeof data; i++) data[i] = (state = state * 1103515245 + 12345) >> 16;
    printf("%s\n", OpenSSL_version(OPENSSL_VERSION));
    static const char *const digests[] = {"MD5",      "SHA1",     "SHA256",    "SHA512",    "SHA512-256", "SHA3-256",
                                          "SHAKE256", "BLAKE2B-512", "RIPEMD160", "SM3"};
    for (size_t i = 0; i < sizeof digests / sizeof *digests; i++) {
        if (strcmp(digests[i], "SHAKE256")) digest(digests[i], data, sizeof data - 3, digests[i]);
    }
    digest("SHA256", "abc", 3, "SHA256 of abc");
    static const char *const ciphers[] = {"AES-128-CBC", "AES-256-CTR",       "AES-256-GCM", "AES-128-XTS", "ChaCha20-Poly1305",
                                          "ARIA-128-CBC", "CAMELLIA-256-CBC", "SM4-CBC",     "DES-EDE3-CBC"};
    for (size_t i = 0; i < sizeof ciphers / sizeof *ciphers; i++) cipher(ciphers[i]);

    unsigned char mac[64];
    size_t size = sizeof mac;
    check(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, "Jefe", 4, (const unsigned char *)"what do ya want for nothing?", 28, mac,
                    sizeof mac, &size) != NULL,
          "HMAC");
    show("HMAC-SHA256", mac, size);
    check(EVP_Q_mac(NULL, "POLY1305", NULL, NULL, NULL, data, 32, data, sizeof data, mac, sizeof mac, &size) != NULL, "POLY1305");
    show("Poly1305", mac, size);
    check(PKCS5_PBKDF2_HMAC("password", 8, data, 16, 1000, EVP_sha512(), 64, mac), "PBKDF2");
    show("PBKDF2", mac, 64);
    arithmetic();

    EVP_PKEY *key = EVP_PKEY_new_raw_private_key_ex(NULL, "ED25519", NULL, data, 32);
    sign("Ed25519", key, NULL, 1);
    EVP_PKEY_free(key);
    key = EVP_PKEY_new_raw_private_key_ex(NULL, "ED448", NULL, data, 57);
    sign("Ed448", key, NULL, 1);
    EVP_PKEY_free(key);
    EVP_PKEY *a = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, data, 32);
    EVP_PKEY *b = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, data + 32, 32);
    unsigned char one[32], two[32];
    for (int i = 0; i < 2; i++) {
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(i ? b : a, NULL);
        size_t length = 32;
        check(EVP_PKEY_derive_init(context) && EVP_PKEY_derive_set_peer(context, i ? a : b), "X25519");
        check(EVP_PKEY_derive(context, i ? two : one, &length), "X25519");
        EVP_PKEY_CTX_free(context);
    }
    check(!memcmp(one, two, 32), "agreement");
    show("X25519", one, 32);
    EVP_PKEY_free(a), EVP_PKEY_free(b);
    // Random keys: only that both sides agree can be shown.
    static const char *const curves[] = {"P-256", "P-384", "P-521", "secp256k1"};
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++) {
        key = EVP_EC_gen(curves[i]);
        sign(curves[i], key, "SHA256", 0);
        EVP_PKEY_free(key);
    }
    key = EVP_RSA_gen(1024);
    sign("RSA", key, "SHA256", 0);
    EVP_PKEY_free(key);
    return 0;
}
