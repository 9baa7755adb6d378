// Shadow maps of the sun and of the first lamp.
uniform sampler2DShadow sun_map;
uniform sampler2DShadow lamp_map;
uniform mat4 sun_clip;       // world to the map, 0 to 1
uniform mat4 lamp_clip;
uniform vec3 sun_direction;
uniform float sun_texel_m;

// The share of five places around a point that a light reaches; `spread` in texels.
float reached(sampler2DShadow map, vec4 clip, float spread) {
    vec3 at = clip.xyz / clip.w;
    if (clip.w <= 0.0 || any(lessThan(at.xy, vec2(0.0))) || any(greaterThan(at.xy, vec2(1.0)))) return 1.0;
    at.z = min(at.z, 1.0);
    float near = spread / float(textureSize(map, 0).x), far = 0.4 * near;
    float sum = texture(map, at);
    sum += texture(map, at + vec3(near, far, 0.0));
    sum += texture(map, at + vec3(-far, near, 0.0));
    sum += texture(map, at + vec3(-near, -far, 0.0));
    sum += texture(map, at + vec3(far, -near, 0.0));
    return sum / 5.0;
}

// Both are looked up a little off the surface, lest it shadows itself.
float sunlit(vec3 point, vec3 face) {
    vec3 off = face * sun_texel_m * (1.0 + 2.0 * (1.0 - dot(face, sun_direction)));
    return reached(sun_map, sun_clip * vec4(point + off, 1.0), 1.2);
}

float lamplit(vec3 point, vec3 face) {
    return reached(lamp_map, lamp_clip * vec4(point + face * 0.02, 1.0), 3.0);
}
