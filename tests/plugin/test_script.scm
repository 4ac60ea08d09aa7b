; SPDX-License-Identifier: GPL-3.0-or-later
; The procedures from Script-Fu; the last line counts what held.
(script-fu-use-v3)

(define passed 0)
(define failed 0)

(define (check name truth)
  (if truth
      (set! passed (+ passed 1))
      (set! failed (+ failed 1)))
  (display (string-append (if truth "ok   " "FAIL ") name))
  (newline))

(define (count-layers image) (vector-length (gimp-image-get-layers image)))

(define (test)
  (let* ((image (gimp-image-new 96 80 RGB))
         (layer (gimp-layer-new image "background" 96 80 RGB-IMAGE 100 LAYER-MODE-NORMAL))
         (results '()))
    (gimp-image-insert-layer image layer 0 0)
    (gimp-drawable-edit-fill layer FILL-WHITE)

    (set! results (plug-in-diffusion-text-to-image #:run-mode RUN-NONINTERACTIVE
                     #:prompt "a lemon" #:steps 1 #:seed 3 #:width 64 #:height 64))
    (check "text_to_image_makes_an_image"
           (= 64 (gimp-image-get-width (cadr results))))
    (check "it_tells_the_seed" (= 3 (caddr results)))
    (gimp-image-delete (cadr results))

    (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 24 20 40 32)
    (set! results (plug-in-diffusion-inpaint #:run-mode RUN-NONINTERACTIVE #:image image
                     #:drawables (vector layer) #:prompt "a cat" #:steps 1 #:seed 5
                     #:intent "add" #:edge-mode "keep-inside"))
    (check "inpaint_adds_a_layer" (= 2 (count-layers image)))
    (check "it_returns_the_layer"
           (= (car results) (vector-ref (gimp-image-get-layers image) 0)))
    (check "the_layer_has_a_mask" (> (gimp-layer-get-mask (car results)) 0))

    (plug-in-diffusion-image-to-image #:run-mode RUN-NONINTERACTIVE #:image image
       #:drawables (vector layer) #:prompt "a cat" #:steps 1 #:strength 0.5)
    (check "image_to_image_adds_a_layer" (= 3 (count-layers image)))

    (plug-in-diffusion-outpaint #:run-mode RUN-NONINTERACTIVE #:image image
       #:drawables (vector layer) #:steps 1 #:right 32)
    (check "outpaint_extends_the_canvas" (= 128 (gimp-image-get-width image)))

    (plug-in-diffusion-regenerate #:run-mode RUN-NONINTERACTIVE #:image image
       #:drawables (vector (car results)) #:new-seed TRUE)
    (check "regenerate_adds_a_layer" (= 5 (count-layers image)))

    (set! results (plug-in-diffusion-inspect #:model "gimp-diffusion-demo"))
    (check "inspect_tells_the_kind" (string=? "checkpoint" (cadr results)))
    (gimp-image-delete image)))

(test)
(display (string-append (number->string passed) " passed, " (number->string failed) " failed"))
(newline)
