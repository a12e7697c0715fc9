//! The specification: every instruction that is accepted, opcode map by opcode map. What is not here is rejected.
//!
//! One row an instruction, or several that are alike: `opcodes prefixes operands flags ; names`.
//!
//! - **opcodes**: hexadecimal, `,` and `-` for lists and ranges; `/n` (again with `,` and `-`) is ModRM.reg where it extends the opcode.
//! - **prefixes**: the mandatory prefix, a list of `np` `66` `f3` `f2`; `v` is np and 66 where 66 makes the operand 16 bits
//!   wide, `f3v` and `f2v` the same behind F3 and F2 (repeat included).
//! - **operands**: those that have bits in the encoding, with the letters of the manual's opcode maps, `!` behind a general register
//!   that is written (and so may not be rsp, rule C8). The last letter `b` means a byte register (where 4 is ah without REX).
//!   - general registers: `E` ModRM.rm, register or memory; `R` ModRM.rm, register only; `G` ModRM.reg; `B` VEX.vvvv; `Z` the opcode's low bits
//!   - vectors: `W` ModRM.rm, register or memory; `U` register only; `V` ModRM.reg; `H` VEX.vvvv; MMX: `Q`, `N` and `P` likewise
//!   - masks: `C` ModRM.rm, register or memory; `D` register only; `K` ModRM.reg; `L` VEX.vvvv
//!   - memory only: `M`; `A` an address that is not accessed; `X` a vector of addresses (VSIB); `S` implied by a string instruction
//!   - `Ib` `Iz` `Iv` immediates; `Jb` `Jz` branch displacements
//! - **flags**: `lock`: may carry F0 where the destination is memory. `esp`: a form of rule C8, whose 32-bit destination may be esp.
//!   `v1` to `v4`: the level it needs. `rm=`: the ModRM.rm values of a register form. `norex`: no REX. `call`: rule C5. `a32`: a branch that may carry 67. `mask`: may begin a guarded pair.
//!   VEX and EVEX: `w0` `w1` (else W is ignored), `l` and the vector lengths 0 (128 bits, scalars, zero) 1 and 2; EVEX: `bc` broadcast, `er` rounding,
//!   `sae`, `k` merging, `z` zeroing as well (never into memory), `k!` a mask is required.
//!
//! Sources: Intel SDM volume 2 (chapters 3 to 5, appendix A), AMD APM volumes 3 to 5.

use crate::table::Map;

/// All rows, by opcode map.
pub(crate) const SPEC: &[(Map, &str)] = &[
    (Map::One, ONE),
    (Map::One, X87),
    (Map::Of, OF_GENERAL),
    (Map::Of, OF_VECTOR),
    (Map::Of38, OF38),
    (Map::Of3a, OF3A),
    (Map::VexOf, crate::spec_vex::OF),
    (Map::VexOf38, crate::spec_vex::OF38),
    (Map::VexOf3a, crate::spec_vex::OF3A),
    (Map::EvexOf, crate::spec_evex::OF),
    (Map::EvexOf38, crate::spec_evex::OF38),
    (Map::EvexOf3a, crate::spec_evex::OF3A),
];

/// One-byte opcodes. Returns, indirect branches and popf are not here: they exist only as the second half of a guarded pair.
const ONE: &str = "
00,08,10,18,20,28,30  np  Eb!,Gb  lock           ; add or adc sbb and sub xor
01,21,29              v   Ev!,Gv  lock esp       ; add and sub
09,11,19,31           v   Ev!,Gv  lock           ; or adc sbb xor
02,0a,12,1a,22,2a,32  np  Gb!,Eb                 ; add or adc sbb and sub xor
03,23,2b              v   Gv!,Ev  esp            ; add and sub
0b,13,1b,33           v   Gv!,Ev                 ; or adc sbb xor
38,3a                 np  Eb,Gb                  ; cmp
39,3b                 v   Ev,Gv                  ; cmp
04,0c,14,1c,24,2c,34,3c  np  Ib                  ; arithmetic on al
05,0d,15,1d,25,2d,35,3d  v   Iz                  ; arithmetic on eax, rax
50-57                 np  Z                      ; push (any register: rsp is only read)
58-5f                 np  Zv!                    ; pop
63                    np  Gv!,Ev                 ; movsxd
68                    np  Iz                     ; push
6a                    np  Ib                     ; push
69                    v   Gv!,Ev,Iz              ; imul
6b                    v   Gv!,Ev,Ib              ; imul
70-7f                 np  Jb                     ; jcc
80/0-6                np  Eb!,Ib  lock           ; add or adc sbb and sub xor
80/7                  np  Eb,Ib                  ; cmp
81/0,5                v   Ev!,Iz  lock esp       ; add sub
81/4                  v   Ev!,Iz  lock esp mask  ; and
81/1-3,6              v   Ev!,Iz  lock           ; or adc sbb xor
81/7                  v   Ev,Iz                  ; cmp
83/0,5                v   Ev!,Ib  lock esp       ; add sub
83/4                  v   Ev!,Ib  lock esp mask  ; and
83/1-3,6              v   Ev!,Ib  lock           ; or adc sbb xor
83/7                  v   Ev,Ib                  ; cmp
84                    np  Eb,Gb                  ; test
85                    v   Ev,Gv                  ; test
86                    np  Eb!,Gb! lock           ; xchg
87                    v   Ev!,Gv! lock esp       ; xchg
88                    np  Eb!,Gb                 ; mov
89                    v   Ev!,Gv  esp            ; mov
8a                    np  Gb!,Eb                 ; mov
8b                    v   Gv!,Ev  esp            ; mov
8d                    v   Gv!,A   esp            ; lea
8f/0                  np  Ev!                    ; pop
90                    np,66 -                    ; nop (xchg %r8 with REX.B)
90                    f3  -       norex          ; pause
91-97                 v   Zv!     esp            ; xchg with eax, rax
98,99                 v   -                      ; cbw cwde cdqe, cwd cdq cqo
9b,9c                 np  -                      ; fwait pushfq
9e,9f                 np  -       v2             ; sahf lahf
a4,aa,ac              np,f3    S                 ; movsb stosb lodsb, rep
a5,ab,ad              v,f3v    S                 ; movs stos lods, rep
a6,ae                 np,f3,f2 S                 ; cmpsb scasb, repe, repne
a7,af                 v,f3v,f2v S                ; cmps scas, repe, repne
a8                    np  Ib                     ; test
a9                    v   Iz                     ; test
b0-b7                 np  Zb!,Ib                 ; mov
b8-bf                 v   Zv!,Iv  esp            ; mov
c0/0-5,7              np  Eb!,Ib                 ; rol ror rcl rcr shl shr sar
c1/0-5,7              v   Ev!,Ib                 ; the same
d0,d2/0-5,7           np  Eb!                    ; the same by 1, by cl
d1,d3/0-5,7           v   Ev!                    ; the same by 1, by cl
c6/0                  np  Eb!,Ib                 ; mov
c7/0                  v   Ev!,Iz  esp            ; mov
cc,f4                 np  -                      ; int3 hlt: they fault
d7                    np  S                      ; xlat
e0-e3                 np  Jb      a32            ; loopne loope loop jrcxz, by ecx with 67
e8                    np  Jz      call           ; call
e9                    np  Jz                     ; jmp
eb                    np  Jb                     ; jmp
f5,f8,f9,fc,fd        np  -                      ; cmc clc stc cld std
f6/0                  np  Eb,Ib                  ; test
f6/2,3                np  Eb!     lock           ; not neg
f6/4-7                np  Eb                     ; mul imul div idiv on ax
f7/0                  v   Ev,Iz                  ; test
f7/2,3                v   Ev!     lock           ; not neg
f7/4-7                v   Ev                     ; mul imul div idiv on eax edx, rax rdx
fe/0,1                np  Eb!     lock           ; inc dec
ff/0,1                v   Ev!     lock           ; inc dec
ff/6                  np  Ev                     ; push
";

/// x87. Not here: transcendentals (vendors differ), fldenv fnstenv frstor fnsave (they carry an instruction's address).
const X87: &str = "
d8,da,dc,de/0-7  np  M            ; fadd fmul fcom fcomp fsub fsubr fdiv fdivr: m32 i32 m64 i16
d9/0,2,3,5,7     np  M            ; fld fst fstp m32, fldcw fnstcw
db/0,2,3,5,7     np  M            ; fild fist fistp i32, fld fstp m80
dd/0,2,3,7       np  M            ; fld fst fstp m64, fnstsw
df/0,2-7         np  M            ; fild fist fistp i16, fbld, fild i64, fbstp, fistp i64
db,dd,df/1       np  M   v2       ; fisttp
d8/0-7           np  R            ; fadd fmul fcom fcomp fsub fsubr fdiv fdivr
d9/0,1           np  R            ; fld fxch
d9/2             np  R   rm=0     ; fnop
d9/4             np  R   rm=0,1,4,5  ; fchs fabs ftst fxam
d9/5             np  R   rm=0-6   ; fld1 fldl2t fldl2e fldpi fldlg2 fldln2 fldz
d9/6             np  R   rm=4-7   ; fxtract fprem1 fdecstp fincstp
d9/7             np  R   rm=0,2,4,5  ; fprem fsqrt frndint fscale
da/0-3           np  R            ; fcmovb fcmove fcmovbe fcmovu
da/5             np  R   rm=1     ; fucompp
db/0-3,5,6       np  R            ; fcmovnb fcmovne fcmovnbe fcmovnu fucomi fcomi
db/4             np  R   rm=2,3   ; fnclex fninit
dc/0,1,4-7       np  R            ; fadd fmul fsubr fsub fdivr fdiv to st(i)
dd/0,2-5         np  R            ; ffree fst fstp fucom fucomp
de/0,1,4-7       np  R            ; faddp fmulp fsubrp fsubp fdivrp fdivp
de/3             np  R   rm=1     ; fcompp
df/0,5,6         np  R            ; ffreep fucomip fcomip
df/4             np  R   rm=0     ; fnstsw %ax
";

/// Two-byte opcodes (0F) on general registers.
const OF_GENERAL: &str = "
0b        np  -                    ; ud2
b9        np  Gv,Ev                ; ud1
0d/1      np  M                    ; prefetchw
18/0-3    np  M                    ; prefetchnta prefetcht0 t1 t2
1e/7      f3  R     rm=2 norex     ; endbr64
1f/0      v   A                    ; nop
40-4f     v   Gv!,Ev esp           ; cmovcc (32-bit forms zero-extend either way)
80-8f     np  Jz                   ; jcc
90-9f/0   np  Eb!                  ; setcc
a3        v   Rv,Gv                ; bt (with memory the register would be an offset of up to 2^60 bytes)
ab,b3,bb  v   Rv!,Gv               ; bts btr btc
ba/4      v   Ev,Ib                ; bt
ba/5-7    v   Ev!,Ib lock          ; bts btr btc
a4,ac     np  Ev!,Gv,Ib            ; shld shrd (not in 16 bits: undefined above 16)
a5,ad     np  Ev!,Gv               ; shld shrd
ae/2,3    np  M                    ; ldmxcsr stmxcsr
ae/5-7    np  R     rm=0 norex     ; lfence mfence sfence
ae/3      f3  R     w0             ; wrgsbase
af        v   Gv!,Ev               ; imul
b0        np  Eb!,Gb lock          ; cmpxchg
b1        v   Ev!,Gv lock          ; cmpxchg
b6,be     v   Gv!,Eb               ; movzx movsx
b7,bf     v   Gv!,Ev               ; movzx movsx
b8        f3v Gv!,Ev v2            ; popcnt
bc,bd     v   Gv!,Ev               ; bsf bsr
bc,bd     f3v Gv!,Ev v3            ; tzcnt lzcnt
c0        np  Eb!,Gb! lock         ; xadd
c1        v   Ev!,Gv! lock         ; xadd
c7/1      np  M     lock w0        ; cmpxchg8b
c7/1      np  M     lock w1 v2     ; cmpxchg16b
c8-cf     np  Zv!                  ; bswap (not in 16 bits: undefined)
";

/// Two-byte opcodes (0F) of MMX, SSE, SSE2, and SSE3's additions.
/// Not here: rcp, rsqrt (vendors differ), non-temporal stores (they hammer).
const OF_VECTOR: &str = "
10           np,66,f3,f2 V,W       ; movups movupd movss movsd
11           np,66,f3,f2 W,V       ; movups movupd movss movsd
12,16        np       V,W          ; movlps movhlps movhps movlhps
12,16        66       V,M          ; movlpd movhpd
12,16        f3       V,W   v2     ; movsldup movshdup
12           f2       V,W   v2     ; movddup
13,17        np,66    M,V          ; movlps movlpd movhps movhpd
14,15        np,66    V,W          ; unpcklps unpcklpd unpckhps unpckhpd
28           np,66    V,W          ; movaps movapd
29           np,66    W,V          ; movaps movapd
2a           np,66    V,Q          ; cvtpi2ps cvtpi2pd
2a           f3,f2    V,Ev         ; cvtsi2ss cvtsi2sd
2c,2d        np,66    P,W          ; cvttps2pi cvttpd2pi cvtps2pi cvtpd2pi
2c,2d        f3,f2    Gv!,W        ; cvttss2si cvttsd2si cvtss2si cvtsd2si
2e,2f        np,66    V,W          ; ucomiss ucomisd comiss comisd
50           np,66    Gv!,U        ; movmskps movmskpd
51,58,59     np,66,f3,f2 V,W       ; sqrt add mul
5a           np,66,f3,f2 V,W       ; cvtps2pd cvtpd2ps cvtss2sd cvtsd2ss
5c-5f        np,66,f3,f2 V,W       ; sub min div max
54-57        np,66    V,W          ; and andn or xor
5b           np,66,f3 V,W          ; cvtdq2ps cvtps2dq cvttps2dq
60-6b        np,66    V,W          ; punpckl packss pcmpgt packus punpckh packssdw
6c,6d        66       V,W          ; punpcklqdq punpckhqdq
6e           np,66    V,Ev         ; movd movq
6f           np,66,f3 V,W          ; movq movdqa movdqu
70           np,66,f3,f2 V,W,Ib    ; pshufw pshufd pshufhw pshuflw
71,72/2,4,6  np,66    U,Ib         ; psrlw psraw psllw psrld psrad pslld
73/2,6       np,66    U,Ib         ; psrlq psllq
73/3,7       66       U,Ib         ; psrldq pslldq
74-76        np,66    V,W          ; pcmpeq
77           np       -            ; emms
7c,7d        66,f2    V,W   v2     ; haddpd haddps hsubpd hsubps
7e           np,66    Ev!,V        ; movd movq
7e           f3       V,W          ; movq
7f           np,66,f3 W,V          ; movq movdqa movdqu
c2           np,66,f3,f2 V,W,Ib    ; cmpps cmppd cmpss cmpsd
c4           np,66    V,Ev,Ib      ; pinsrw
c5           np,66    Gv!,U,Ib     ; pextrw
c6           np,66    V,W,Ib       ; shufps shufpd
d0           66,f2    V,W   v2     ; addsubpd addsubps
d1-d5        np,66    V,W          ; psrl paddq pmullw
d6           66       W,V          ; movq
d6           f3       V,N          ; movq2dq
d6           f2       P,U          ; movdq2q
d7           np,66    Gv!,U        ; pmovmskb
d8-df        np,66    V,W          ; psubus pminub pand paddus pmaxub pandn
e0-e5        np,66    V,W          ; pavgb psra pavgw pmulhuw pmulhw
e6           66,f3,f2 V,W          ; cvttpd2dq cvtdq2pd cvtpd2dq
e8-ef        np,66    V,W          ; psubs pminsw por padds pmaxsw pxor
f0           f2       V,M   v2     ; lddqu
f1-f6        np,66    V,W          ; psll pmuludq pmaddwd psadbw
f8-fe        np,66    V,W          ; psub padd
";

/// Three-byte opcodes (0F 38): SSSE3, SSE4, and general registers.
const OF38: &str = "
00-0b           np,66 V,W     v2   ; pshufb phadd pmaddubsw phsub psign pmulhrsw
10,14,15,17     66    V,W     v2   ; pblendvb blendvps blendvpd ptest
1c-1e           np,66 V,W     v2   ; pabs
20-25,28,29,2b  66    V,W     v2   ; pmovsx pmuldq pcmpeqq packusdw
2a              66    V,M     v2   ; movntdqa (a load)
30-35,37-41     66    V,W     v2   ; pmovzx pcmpgtq pmin pmax pmulld phminposuw
f0              v     Gv!,M   v3   ; movbe
f1              v     M,Gv    v3   ; movbe
f0              f2    Gv!,Eb  v2   ; crc32
f1              f2v   Gv!,Ev  v2   ; crc32
";

/// Three-byte opcodes (0F 3A): SSSE3, SSE4.
const OF3A: &str = "
08-0f           66    V,W,Ib   v2  ; round blend pblendw palignr
0f              np    V,W,Ib   v2  ; palignr
14-17           66    Ev!,V,Ib v2  ; pextrb pextrw pextrd pextrq extractps (a register is written as 32 or 64 bits)
20,22           66    V,Ev,Ib  v2  ; pinsrb pinsrd pinsrq
21,40-42        66    V,W,Ib   v2  ; insertps dpps dppd mpsadbw
60-63           66    V,W,Ib   v2  ; pcmpestrm pcmpestri pcmpistrm pcmpistri
";
