// Scripts of many kinds, an exception through the interpreter, a C function called back, promises, a full heap.
#include <quickjs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static JSValue print(JSContext *context, JSValueConst this, int count, JSValueConst *values) {
    (void)this;
    for (int i = 0; i < count; i++) {
        const char *text = JS_ToCString(context, values[i]);
        printf("%s%s", i ? " " : "", text ? text : "?");
        JS_FreeCString(context, text);
    }
    puts("");
    return JS_UNDEFINED;
}

static const char *const scripts[] = {
    "print([3, 1, 2].toSorted().join(), 2n ** 200n, 0.1 + 0.2, (255).toString(2), 1e21, -0 === 0)",
    "print(/(?<y>\\d{4})-(?<m>\\d\\d)/u.exec('in 2013-06').groups.m, 'straße'.toUpperCase(), 'ǅ'.normalize('NFKD'))",
    "function* fib() { let [a, b] = [0, 1]; for (;;) { yield a; [a, b] = [b, a + b] } }\n"
    "let out = []; for (const x of fib()) { if (x > 500) break; out.push(x) } print(...out)",
    "class A { #x = 1; get x() { return this.#x } static s = new Map([[1, 'a']]) }\n"
    "class B extends A { x2 = this.x * 2 } print(new B().x2, A.s.get(1), new B() instanceof A)",
    "try { null.x } catch (e) { print(e.name, e.message) } finally { print('finally') }",
    "function deep(n) { return n ? 1 + deep(n - 1) : 0 } print(deep(200)); try { deep(1e9) } catch (e) { print(e.name) }",
    "(async () => { print('first'); await null; print('third'); throw new Error('late') })().catch(e => print(e.message)); print('second')",
    "let primes = 0; outer: for (let i = 2; i < 20000; i++) { for (let j = 2; j * j <= i; j++) if (i % j == 0) continue outer; primes++ }\n"
    "print(primes)",
    "print(JSON.stringify({a: [1, {b: null}], c: 'ü\\n', d: undefined, e: new Date(0)}), JSON.parse('[1e3]')[0])",
    "let f = new Float64Array([1.5, NaN, -Infinity]); print(new Uint8Array(f.buffer).slice(0, 8), Math.hypot(3, 4), Math.fround(0.1))",
    "let big = 1n; for (let i = 1n; i <= 100n; i++) big *= i; print(big)",
    "let o = new Proxy({}, { get: (t, k) => 'got ' + String(k) }); print(o.any, Reflect.ownKeys({b: 1, a: 2, 1: 3}))",
    "syntax error here",
};

int main(void) {
    JSRuntime *runtime = JS_NewRuntime();
    JS_SetMaxStackSize(runtime, 1 << 20);
    JSContext *context = JS_NewContext(runtime);
    JSValue global = JS_GetGlobalObject(context);
    JS_SetPropertyStr(context, global, "print", JS_NewCFunction(context, print, "print", 1));
    JS_FreeValue(context, global);
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        char source[2048];
        snprintf(source, sizeof source, "{%s\n}", scripts[i]);
        JSValue value = JS_Eval(context, source, strlen(source), "script", JS_EVAL_TYPE_GLOBAL);
        if (JS_IsException(value)) {
            JSValue exception = JS_GetException(context);
            print(context, JS_UNDEFINED, 1, &exception);
            JS_FreeValue(context, exception);
        }
        JS_FreeValue(context, value);
        JSContext *done;
        while (JS_ExecutePendingJob(runtime, &done) > 0) {
        }
    }
    JS_FreeContext(context);
    JS_FreeRuntime(runtime);
    return 0;
}
