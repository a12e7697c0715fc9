//! VEX: AVX, AVX2, FMA, F16C, BMI (v3) and the mask instructions of AVX-512 (v4). Not here: vrcp, vrsqrt, non-temporal stores, vmaskmovdqu.
//! The rows are explained in `spec`; a mnemonic stands without its `v`.

/// Map 1 (0F).
pub(crate) const OF: &str = "
10                       f3,f2       V,H,U      l012           ; movss movsd
10                       f3,f2       V,M        l012           ; movss movsd
10,28,51,5a              np,66       V,W        l01            ; movups movupd movaps movapd sqrtps sqrtpd cvtps2pd cvtpd2ps
11                       f3,f2       U,H,V      l012           ; movss movsd
11                       f3,f2       M,V        l012           ; movss movsd
11,29                    np,66       W,V        l01            ; movups movupd movaps movapd
12,16                    66          V,H,M      l0             ; movlpd movhpd
12                       f3,f2       V,W        l01            ; movsldup movddup
12,16                    np          V,H,W      l0             ; movhlps movlps movlhps movhps
13,17                    np,66       M,V        l0             ; movlps movlpd movhps movhpd
14-15,54-59,5c-5f        np,66       V,H,W      l01            ; unpcklps unpcklpd unpckhps unpckhpd andps andpd andnps andnpd orps
                                                               ; orpd xorps xorpd addps addpd mulps mulpd subps subpd minps minpd divps
                                                               ; divpd maxps maxpd
16                       f3          V,W        l01            ; movshdup
2a                       f3,f2       V,H,Ev     l012           ; cvtsi2ss cvtsi2sd
2c-2d                    f3,f2       Gv!,W      l012           ; cvttss2si cvttsd2si cvtss2si cvtsd2si
2e-2f                    np,66       V,W        l012           ; ucomiss ucomisd comiss comisd
41-42,45-47,4a           np,66       K,L,D      l1 v4          ; kandw kandq kandb kandd kandnw kandnq kandnb kandnd korw korq korb
                                                               ; kord kxnorw kxnorq kxnorb kxnord kxorw kxorq kxorb kxord kaddw kaddq
                                                               ; kaddb kaddd
44,98-99                 np,66       K,D        l0 v4          ; knotw knotq knotb knotd kortestw kortestq kortestb kortestd ktestw
                                                               ; ktestq ktestb ktestd
4b                       66          K,L,D      w0 l1 v4       ; kunpckbw
4b                       np          K,L,D      l1 v4          ; kunpckwd kunpckdq
50                       np,66       Gv!,U      l01            ; movmskps movmskpd
51,58-5a,5c-5f           f3,f2       V,H,W      l012           ; sqrtss sqrtsd addss addsd mulss mulsd cvtss2sd cvtsd2ss subss subsd
                                                               ; minss minsd divss divsd maxss maxsd
5b                       np,66,f3    V,W        l01            ; cvtdq2ps cvtps2dq cvttps2dq
60-6d,74-76,d1-d5,d8-e5,e8-ef,f1-f6 66          V,H,W      l01            ; punpcklbw punpcklwd punpckldq packsswb pcmpgtb pcmpgtw pcmpgtd
f8-fe                    66          V,H,W      l01            ; packuswb punpckhbw punpckhwd punpckhdq packssdw punpcklqdq punpckhqdq
                                                               ; pcmpeqb pcmpeqw pcmpeqd psrlw psrld psrlq paddq pmullw psubusb psubusw
                                                               ; pminub pand paddusb paddusw pmaxub pandn pavgb psraw psrad pavgw
                                                               ; pmulhuw pmulhw psubsb psubsw pminsw por paddsb paddsw pmaxsw pxor
                                                               ; psllw pslld psllq pmuludq pmaddwd psadbw psubb psubw psubd psubq paddb
                                                               ; paddw paddd
6e                       66          V,Ev       l0             ; movd movq
6f                       66,f3       V,W        l01            ; movdqa movdqu
70                       66,f3,f2    V,W,Ib     l01            ; pshufd pshufhw pshuflw
71/2,4,6                 66          H,U,Ib     l01            ; psrlw psraw psllw
72/2,4,6                 66          H,U,Ib     l01            ; psrld psrad pslld
73/2,3,6,7               66          H,U,Ib     l01            ; psrlq psrldq psllq pslldq
77                       np          -          l01            ; zeroupper zeroall
7c-7d,d0                 66,f2       V,H,W      l01            ; haddpd haddps hsubpd hsubps addsubpd addsubps
7e                       66          Ev!,V      l0             ; movd movq
7e                       f3          V,W        l0             ; movq
7f                       66,f3       W,V        l01            ; movdqa movdqu
90                       np,66       K,C        l0 v4          ; kmovw kmovq kmovb kmovd
91                       np,66       M,K        l0 v4          ; kmovw kmovq kmovb kmovd
92                       f2          K,Rv       l0 v4          ; kmovd kmovq
92                       np,66       K,Rv       w0 l0 v4       ; kmovw kmovb
93                       f2          Gv!,D      l0 v4          ; kmovd kmovq
93                       np,66       Gv!,D      w0 l0 v4       ; kmovw kmovb
ae/2,3                   np          M          l0             ; ldmxcsr stmxcsr
c2                       f3,f2       V,H,W,Ib   l012           ; cmpss cmpsd
c2,c6                    np,66       V,H,W,Ib   l01            ; cmpps cmppd shufps shufpd
c4                       66          V,H,Ev,Ib  l0             ; pinsrw
c5                       66          Gv!,U,Ib   l0             ; pextrw
d6                       66          W,V        l0             ; movq
d7                       66          Gv!,U      l01            ; pmovmskb
e6                       66,f3,f2    V,W        l01            ; cvttpd2dq cvtdq2pd cvtpd2dq
f0                       f2          V,M        l01            ; lddqu
";

/// Map 2 (0F 38).
pub(crate) const OF38: &str = "
00-0b,28-29,2b,37-40,45,47,96-98,9a,9c 66          V,H,W      l01            ; pshufb phaddw phaddd phaddsw pmaddubsw phsubw phsubd phsubsw psignb
9e,a6-a8,aa,ac,ae,b6-b8,ba,bc,be 66          V,H,W      l01            ; psignw psignd pmulhrsw pmuldq pcmpeqq packusdw pcmpgtq pminsb pminsd
                                                               ; pminuw pminud pmaxsb pmaxsd pmaxuw pmaxud pmulld psrlvd psrlvq psllvd
                                                               ; psllvq fmaddsub*ps fmaddsub*pd fmsubadd*ps fmsubadd*pd fmadd*ps
                                                               ; fmadd*pd fmsub*ps fmsub*pd fnmadd*ps fnmadd*pd fnmsub*ps fnmsub*pd
0c-0d,46                 66          V,H,W      w0 l01         ; permilps permilpd psravd
0e-0f,13,18,58-59,78-79  66          V,W        w0 l01         ; testps testpd cvtph2ps broadcastss pbroadcastd pbroadcastq pbroadcastb
                                                               ; pbroadcastw
16,36                    66          V,H,W      w0 l1          ; permps permd
17,1c-1e,20-25,30-35     66          V,W        l01            ; ptest pabsb pabsw pabsd pmovsxbw pmovsxbd pmovsxbq pmovsxwd pmovsxwq
                                                               ; pmovsxdq pmovzxbw pmovzxbd pmovzxbq pmovzxwd pmovzxwq pmovzxdq
19                       66          V,W        w0 l1          ; broadcastsd
1a,5a                    66          V,M        w0 l1          ; broadcastf128 broadcasti128
2a                       66          V,M        l01            ; movntdqa
2c-2d                    66          V,H,M      w0 l01         ; maskmovps maskmovpd
2e-2f                    66          M,H,V      w0 l01         ; maskmovps maskmovpd
41                       66          V,W        l0             ; phminposuw
8c                       66          V,H,M      l01            ; pmaskmovd pmaskmovq
8e                       66          M,H,V      l01            ; pmaskmovd pmaskmovq
90-93                    66          V,X,H      l01            ; pgatherdd pgatherdq pgatherqd pgatherqq gatherdps gatherdpd gatherqps
                                                               ; gatherqpd
99,9b,9d,9f,a9,ab,ad,af,b9,bb,bd,bf 66          V,H,W      l012           ; fmadd*ss fmadd*sd fmsub*ss fmsub*sd fnmadd*ss fnmadd*sd fnmsub*ss
                                                               ; fnmsub*sd
f2                       np          Gv!,Bv,Ev  l0             ; andn
f3/1,2,3                 np          Bv!,Ev     l0             ; blsr blsmsk blsi
f5                       f3,f2       Gv!,Bv,Ev  l0             ; pext pdep
f5                       np          Gv!,Ev,Bv  l0             ; bzhi
f6                       f2          Gv!,Bv!,Ev l0             ; mulx
f7                       np,66,f3,f2 Gv!,Ev,Bv  l0             ; bextr shlx sarx shrx
";

/// Map 3 (0F 3A).
pub(crate) const OF3A: &str = "
00-01                    66          V,W,Ib     w1 l1          ; permq permpd
02,4a-4c                 66          V,H,W,Ib   w0 l01         ; pblendd blendvps blendvpd pblendvb
04-05                    66          V,W,Ib     w0 l01         ; permilps permilpd
06,18,38,46              66          V,H,W,Ib   w0 l1          ; perm2f128 insertf128 inserti128 perm2i128
08-09                    66          V,W,Ib     l01            ; roundps roundpd
0a-0b                    66          V,H,W,Ib   l012           ; roundss roundsd
0c-0f,40,42              66          V,H,W,Ib   l01            ; blendps blendpd pblendw palignr dpps mpsadbw
14-17                    66          Ev!,V,Ib   l0             ; pextrb pextrw pextrd pextrq extractps
19,39                    66          W,V,Ib     w0 l1          ; extractf128 extracti128
1d                       66          W,V,Ib     w0 l01         ; cvtps2ph
20,22                    66          V,H,Ev,Ib  l0             ; pinsrb pinsrd pinsrq
21,41                    66          V,H,W,Ib   l0             ; insertps dppd
30-33                    66          K,D,Ib     l0 v4          ; kshiftrb kshiftrw kshiftrd kshiftrq kshiftlb kshiftlw kshiftld
                                                               ; kshiftlq
60-63                    66          V,W,Ib     l0             ; pcmpestrm pcmpestrm64 pcmpestri pcmpestri64 pcmpistrm pcmpistri
f0                       f2          Gv!,Ev,Ib  l0             ; rorx
";
